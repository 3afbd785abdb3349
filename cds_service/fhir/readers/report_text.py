"""The text of a DiagnosticReport, in whatever form it was sent: conclusion, narrative, attachments.

Every form becomes plain text, or a reason why it could not be read. Nothing is fetched: an attachment that is only a
link is not read. Nothing here raises, whatever was sent.

Sources: FHIR R4 DiagnosticReport, Narrative and Attachment; field mapping, section 1 (what real EHRs send).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import io
import logging
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from html import unescape

from cds_service.fhir.access import Json, objects, text
from cds_service.fhir.narrative import LONGEST_TEXT
from cds_service.knowledge.report_words import ENGLISH_SHARE, ENGLISH_WORDS, FEW_WORDS, OTHER_LANGUAGE_WORDS
from cds_service.model.finding import Trust

LARGEST_ATTACHMENT = 5_000_000
"""Bytes of an attachment that are read; a larger one is not opened."""
LONGEST_HTML = 300_000
"""Characters of HTML that are read; longer HTML is not opened."""
MOST_PAGES = 20
"""Pages of a PDF that are read; the reports of an MRI have one to three."""
MOST_ATTACHMENTS = 10
"""Attachments of one report that are read."""


class NotRead(StrEnum):
    """Why a text, or a part of it, could not be read, in the words that are shown."""

    NO_TEXT = "it holds no text"
    ONLY_LINKED = "its text is only linked"
    LANGUAGE = "its text is not in English"
    PDF_NOT_INSTALLED = "reading of PDF is not installed"
    PDF_WITHOUT_TEXT = "its PDF holds no text, perhaps only a scan"
    PDF_UNREADABLE = "its PDF could not be opened"
    FORMAT = "its text is in a format that is not read"
    DAMAGED = "its text is damaged"
    TOO_LARGE = "its text is too large"
    UNKNOWN_KIND = "nothing in it says how the images were made"


class UnreadableText(ValueError):
    """A text that could not be read; ``reason`` says why."""

    def __init__(self, reason: NotRead) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class ReportText:
    """One text of a report.

    ``trust`` is that of what stands below no heading. A summary is a narrative that was made from the coded elements
    and holds no sentence: what it says may be read, but it is not the report.
    """

    words: str
    trust: Trust
    is_summary: bool = False


@dataclass(frozen=True)
class ReportTexts:
    """The texts of a report that can be read, and why others cannot."""

    texts: tuple[ReportText, ...] = ()
    refused: tuple[NotRead, ...] = ()


def texts_of(report: Json, narrated: Iterable[str] = ()) -> ReportTexts:
    """Return the texts of a report: its conclusion first, then its narrative, then its attachments.

    ``narrated`` are texts of the report that are read elsewhere (those of its observations); they only help to tell the
    language. A report in another language is not read at all.
    """
    texts = [ReportText(text(report.get("conclusion")), Trust.IMPRESSION_TEXT)]
    refused: list[NotRead] = []
    forms = list(objects(report.get("presentedForm")))
    sent: list[tuple[Callable[[Json], ReportText], Json]] = [(_narrative, one) for one in objects(report.get("text"))]
    sent += [(_attachment, one) for one in forms[:MOST_ATTACHMENTS]]
    for read_form, form in sent:
        try:
            texts.append(read_form(form))
        except UnreadableText as error:
            refused.append(error.reason)
    if len(forms) > MOST_ATTACHMENTS or any(len(one.words) > LONGEST_TEXT for one in texts):
        refused.append(NotRead.TOO_LARGE)
    read = tuple(one for one in texts if re.search(r"\w", one.words))
    judged = [*(one.words for one in read if not one.is_summary), *narrated]
    if not are_english(judged, text(report.get("language"))):
        return ReportTexts(refused=(NotRead.LANGUAGE,))
    # An attachment without data and address is no text that could be read.
    return ReportTexts(read, tuple(dict.fromkeys(reason for reason in refused if reason is not NotRead.NO_TEXT)))


# Language


def are_english(texts: Collection[str], tag: str) -> bool:
    """Whether the texts of one resource, whose language ``tag`` states, may be read as English: all of them or none."""
    # Each by itself, so that a short conclusion is not read beside a long text of another language, or the other way.
    return not texts or (is_english_tag(tag) and all(map(is_english, {*texts, "\n".join(texts)})))


def is_english_tag(language: str) -> bool:
    """Whether a language tag (BCP 47) is one of English; a missing one may be."""
    return not language.strip() or language.strip().lower().replace("_", "-").split("-")[0] in ("en", "eng")


def is_english(words: str) -> bool:
    """Whether a text may be read as English. A short one is, unless its words tell otherwise."""
    found = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", words[:LONGEST_TEXT]).casefold())
    english = sum(map(ENGLISH_WORDS.__contains__, found))
    # A single letter may be Greek: that is a unit or a sign in any language.
    other = sum(word in OTHER_LANGUAGE_WORDS or not (word.isascii() or len(word) == 1) for word in found)
    if other > english:
        return False
    return len(found) < FEW_WORDS or english >= ENGLISH_SHARE * len(found)


# Attachments


def attachment_text(attachment: Json) -> str:
    """Return the text of an attachment: plain text, HTML or PDF.

    Raises:
        UnreadableText: it is linked, in another language or format, too large, or damaged.
    """
    if not is_english_tag(text(attachment.get("language"))):
        raise UnreadableText(NotRead.LANGUAGE)
    data = text(attachment.get("data"))
    if not data.strip():
        raise UnreadableText(NotRead.ONLY_LINKED if text(attachment.get("url")) else NotRead.NO_TEXT)
    if len(data) > LARGEST_ATTACHMENT * 3 // 2:
        raise UnreadableText(NotRead.TOO_LARGE)
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableText(NotRead.DAMAGED) from error
    if len(content) > LARGEST_ATTACHMENT:
        raise UnreadableText(NotRead.TOO_LARGE)
    kind, charset = _kind(text(attachment.get("contentType")))
    # What the content is counts more than what it is called.
    if content.lstrip()[:5] == b"%PDF-":
        return pdf_text(content)
    if content.lstrip()[:5] == b"{\\rtf" or kind not in ("text/plain", "text/html", "application/xhtml+xml", ""):
        raise UnreadableText(NotRead.PDF_UNREADABLE if kind == "application/pdf" else NotRead.FORMAT)
    words = decoded(content, charset)
    if "\x00" in words:
        raise UnreadableText(NotRead.FORMAT)
    is_html = "html" in kind or bool(re.match(r"\s{0,100}<(?:!doctype html|html|div|p)\b", words, re.IGNORECASE))
    return html_text(words) if is_html else words


def _kind(content_type: str) -> tuple[str, str]:
    """Return the media type and the character set that a contentType names; empty when it names none."""
    if not re.fullmatch(r"[\w.+-]{1,50}/[\w.+-]{1,100}\s{0,5}(?:;[ -~]{0,300})?", content_type.strip()):
        return "", ""
    header = Message()
    header["Content-Type"] = content_type.strip()
    return header.get_content_type(), header.get_content_charset() or ""


def decoded(content: bytes, charset: str = "") -> str:
    """Return bytes as text: by a byte order mark, by the character set named, as UTF-8, or else as Latin-1."""
    marked = "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ""
    for name in filter(None, (marked, charset, "utf-8-sig")):
        try:
            return content.decode("utf-8-sig" if name.lower() in ("utf-8", "utf8") else name)
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def pdf_text(content: bytes) -> str:
    """Return the text of a PDF's first pages.

    Raises:
        UnreadableText: it is damaged, protected, or holds no text; or this installation does not read PDF.
    """
    try:
        import pypdf  # noqa: PLC0415  # deferred: an optional extra, and slow to import
    except ImportError as error:
        raise UnreadableText(NotRead.PDF_NOT_INSTALLED) from error
    # Its warnings would quote pieces of the report.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    pages: list[str] = []
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        for page in reader.pages[:MOST_PAGES]:
            pages.append(page.extract_text())
            if sum(map(len, pages)) > LONGEST_TEXT:
                break
    except Exception as error:
        raise UnreadableText(NotRead.PDF_UNREADABLE) from error
    words = "\n".join(pages)
    if not words.strip():
        raise UnreadableText(NotRead.PDF_WITHOUT_TEXT)
    return words


# HTML

_BLOCKS = re.compile(
    r"address|article|aside|blockquote|body|center|dd|div|dl|dt|fieldset|figure|footer|form|h[1-6]|header|hr|html|li|main"
    r"|nav|ol|p|pre|section|table|tbody|tfoot|thead|ul"
)
_PARAGRAPHS = re.compile("p|h[1-6]")
_SILENT = ("head", "iframe", "math", "noscript", "object", "script", "select", "style", "svg", "template", "textarea")
_CELLS = ("td", "th")


def html_text(html: str, *, skip_codes: bool = False) -> str:
    """Return HTML as plain text: block elements and list items are lines, paragraphs are parted by a blank line.

    A table row is a line, one of two cells reads "label: value". ``skip_codes`` leaves out rows that hold no sentence:
    in a narrative that was made from the coded elements they only repeat these.

    Raises:
        UnreadableText: it is too long.
    """
    if len(html) > LONGEST_HTML:
        raise UnreadableText(NotRead.TOO_LARGE)
    # Some senders put plain text into one element: then its line breaks are all the structure there is.
    is_marked_up = re.search(r"<(?:br|p|pre|li|tr|div|h[1-6])\b", html.lstrip()[1:], re.IGNORECASE) is not None
    parser = _Lines(keeps_lines=not is_marked_up, skip_codes=skip_codes)
    for part in _PARTS.finditer(_without_comments(html)):
        if part["name"] is None:
            parser.data(_plain(part[0]))
        elif part["end"]:
            parser.end(part["name"].lower())
        else:
            parser.start(part["name"].lower())
    return parser.text()


# Not html.parser: in the versions of Python in use it raises on malformed declarations, and its time grows with the
# square of the length (CVE-2025-6069). Here every mark is looked at once; an attribute that holds ">" ends there.
_PARTS = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]*)(?:[:\s/][^<>]*)?>|<[!?/][^<>]*>|[^<]+|<")


def _without_comments(html: str) -> str:
    kept, _, rest = html.partition("<!--")
    parts = [kept]
    while rest:
        kept, _, rest = rest.partition("-->")[2].partition("<!--")
        parts.append(kept)
    return "".join(parts)


def _plain(part: str) -> str:
    """Return the characters of a piece between tags; a declaration has none."""
    if part[:2] in ("<!", "<?", "</") and len(part) > 2:
        return ""
    # No character has so long a number, and it would take long to read.
    return unescape(re.sub(r"&#x?[0-9a-fA-F]{9,};?", "", part))


class _Lines:
    """Gathers the lines of an HTML text."""

    def __init__(self, *, keeps_lines: bool, skip_codes: bool) -> None:
        self.keeps_lines = keeps_lines
        self.skip_codes = skip_codes
        self.lines: list[str] = []
        self.line: list[str] = []
        self.row: list[str] | None = None
        self.silent = ""
        self.preformatted = 0

    def start(self, tag: str) -> None:
        """Take an opening tag."""
        if self.silent:
            return
        if tag in _SILENT:
            self.silent = tag
        elif tag == "tr":
            self._end_row()
            self.row = []
        elif tag in _CELLS:
            self._end_cell()
        elif tag == "br" or _BLOCKS.fullmatch(tag):
            self._end_line()
            self.preformatted += tag == "pre"
            if tag == "li":
                self.line.append("- ")
            elif _PARAGRAPHS.fullmatch(tag) and self.row is None and any(self.lines[-1:]):
                self.lines.append("")

    def end(self, tag: str) -> None:
        """Take a closing tag."""
        if self.silent:
            self.silent = "" if tag == self.silent else self.silent
        elif tag in _CELLS:
            self._end_cell()
        elif tag in ("tr", "table"):
            self._end_row()
        elif _BLOCKS.fullmatch(tag):
            self._end_line()
            self.preformatted -= tag == "pre" and self.preformatted > 0

    def data(self, data: str) -> None:
        """Take text, with its entities resolved."""
        if self.silent:
            return
        first, *more = data.split("\n") if self.preformatted or self.keeps_lines else [data]
        self.line.append(first)
        for each in more:
            self._end_line()
            self.line.append(each)

    def text(self) -> str:
        """Return all lines."""
        self._end_row()
        return "\n".join(self.lines).strip()

    def _taken(self) -> str:
        words = " ".join("".join(self.line).split())
        self.line = []
        return "" if words == "-" else words

    def _end_line(self) -> None:
        if self.row is not None:
            # A break inside a cell is only a blank there, so that the row stays a line.
            self.line.append(" ")
            return
        words = self._taken()
        # A blank line in the text parts paragraphs; more than one says no more.
        if words or (self.lines and self.lines[-1] and (self.keeps_lines or self.preformatted)):
            self.lines.append(words)

    def _end_cell(self) -> None:
        words = self._taken()
        if self.row is None:
            self.lines.append(words)
        elif words:
            self.row.append(words)

    def _end_row(self) -> None:
        if self.row is None:
            self._end_line()
            return
        self._end_cell()
        cells, self.row = self.row, None
        if self.skip_codes and not any(_is_prose(cell) for cell in cells):
            return
        if len(cells) == 1 or (cells and cells[0].endswith(":")):
            self.lines.append(" ".join(cells))
        elif cells:
            self.lines.append(f"{cells[0]}: {', '.join(cells[1:])}")


def _is_prose(words: str) -> bool:
    return words[-1] in ".!?" or len(words.split()) > 15


_REPEATED = re.compile(
    r"^[ \t]{0,20}(?:id|identifier|status|category|code|subject|patient|result|results|conclusion ?codes?"
    r"|coded ?diagnos[ei]s|imaging ?study|performer|issued|effective|based ?on)[ \t]{0,5}:.*$",
    re.IGNORECASE | re.MULTILINE,
)
"""Lines of a generated narrative that say a coded element again."""


def _attachment(form: Json) -> ReportText:
    return ReportText(attachment_text(form), Trust.FINDINGS_TEXT)


def _narrative(narrative: Json) -> ReportText:
    """Return the words of ``text.div`` that are more than the coded elements said again."""
    # FHIR: what is "generated" or made from "extensions" holds nothing else than the resource's own elements.
    is_generated = text(narrative.get("status")) in ("generated", "extensions", "")
    words = html_text(text(narrative.get("div")), skip_codes=is_generated)
    words = _REPEATED.sub("", words).strip() if is_generated else words
    is_summary = is_generated and not any(_is_prose(line) for line in words.splitlines() if line)
    return ReportText(words, Trust.FINDINGS_TEXT, is_summary)
