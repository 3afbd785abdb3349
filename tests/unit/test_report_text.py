"""The forms in which the text of a report is sent, and the reasons why one is not read."""

from __future__ import annotations

import io
import sys
from base64 import b64encode
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.readers.report_text import (
    LARGEST_ATTACHMENT,
    LONGEST_HTML,
    MOST_ATTACHMENTS,
    MOST_PAGES,
    NotRead,
    ReportText,
    ReportTexts,
    UnreadableText,
    attachment_text,
    decoded,
    html_text,
    is_english,
    is_english_tag,
    texts_of,
)
from cds_service.model.finding import Trust

Json = Any

ENGLISH = "There is bone marrow edema of the left sacroiliac joint. No erosion is seen."


def attached(content: str | bytes, kind: str | None = "text/plain", **more: Any) -> Json:
    data = content.encode() if isinstance(content, str) else content
    return {"contentType": kind, "data": b64encode(data).decode(), **more}


def words_of(report: Json) -> list[str]:
    return [one.words for one in texts_of(report).texts]


def refusal(attachment: Json) -> NotRead:
    with pytest.raises(UnreadableText) as caught:
        attachment_text(attachment)
    return caught.value.reason


# ------------------------------------------------------------------------------------------------- HTML


@pytest.mark.parametrize(
    ("html", "words"),
    [
        pytest.param("<p>FINDINGS</p><p>Marrow <b>ede</b>ma.</p>", "FINDINGS\n\nMarrow edema.", id="paragraphs"),
        pytest.param("<ul><li>No erosion</li><li> Effusion</ul>", "- No erosion\n- Effusion", id="a list"),
        pytest.param("Edema<br>No erosion<BR/>Effusion", "Edema\nNo erosion\nEffusion", id="breaks"),
        pytest.param("<div><h2>Impression</h2>\n  Edema\n  of bone <hr>", "Impression\nEdema of bone", id="blanks"),
        pytest.param("<table><tr><td>Edema</td><td>absent</td></tr></table>", "Edema: absent", id="a row"),
        pytest.param("<tr><th>Edema:</th><td>left</td><td>12 mm</td></tr>", "Edema: left 12 mm", id="a label"),
        pytest.param("<tr><th>Edema<td>left<td>12 mm", "Edema: left, 12 mm", id="an unclosed row"),
        pytest.param("<style>p{a:b}</style>Edema<script>if (1<2) {}</script>.", "Edema.", id="script and style"),
        pytest.param("<head><title>Erosion</title></head>Edema", "Edema", id="a title"),
        pytest.param("a<!-- erosion <p> -->b<?xml x?><!doctype html>c<!-- open", "abc", id="comments"),
        pytest.param("T<sub>1</sub> &lt;5&nbsp;mm &#233;&eacute; &amp;lt;", "T1 <5 mm éé &lt;", id="characters"),
        pytest.param("3 < 5 mm and > 2", "3 < 5 mm and > 2", id="no mark-up at all"),
        pytest.param("<div>FINDINGS:\nEdema\n\nNo erosion</div>", "FINDINGS:\nEdema\n\nNo erosion", id="only lines"),
        pytest.param("<p>x</p><pre>a\n  b</pre>c\nd", "x\na\nb\nc d", id="preformatted"),
        pytest.param("<o:p>Edema</o:p></nothing></p></tr>", "Edema", id="unknown and unopened"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_html_becomes_lines(html: str, words: str):
    assert html_text(html) == words


@pytest.mark.parametrize(
    "part",
    ["<![", "<", "<a ", "<!--", "&#", "&#9", "</", "<a b='", "<?", "<script>", "<td>", "<tr>", "<pre>\n", "&amp"],
)  # fmt: skip
@pytest.mark.slow
def test_broken_html_takes_no_longer_than_its_length(part: str):
    started = perf_counter()

    html_text((part * LONGEST_HTML)[:LONGEST_HTML])

    assert perf_counter() - started < 5


def test_a_number_too_long_for_a_character_is_left_out():
    assert html_text(f"a&#{'9' * 9000};b") == "ab"


# -------------------------------------------------------------------------------------------- narrative


def narrated(div: str, status: str = "generated") -> Json:
    return {"text": {"status": status, "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}}


def test_a_generated_table_of_codes_is_no_text_of_the_report():
    rows = "<tr><td>Bone marrow edema</td><td>Present</td></tr><tr><td>Code</td><td>MRI hip</td></tr>"

    assert words_of(narrated(f"<table>{rows}</table>")) == []


def test_a_table_that_was_written_by_hand_is():
    rows = "<table><tr><td>Bone marrow edema</td><td>Present</td></tr></table>"

    assert words_of(narrated(rows, "additional")) == ["Bone marrow edema: Present"]


def test_the_sentences_of_a_generated_narrative_are_read_and_its_codes_are_not():
    div = (
        "<p><b>status</b>: final</p><p><b>code</b>: MRI of bone marrow edema</p>"
        "<p><b>Conclusion Code</b>: Osteomyelitis</p>"
        f"<p><b>conclusion</b>: {ENGLISH}</p><table><tr><td>Result</td><td>Erosion</td></tr>"
        "<tr><td>Comment</td><td>Edema is new.</td></tr></table>"
    )

    assert words_of(narrated(div)) == [f"conclusion: {ENGLISH}\nComment: Edema is new."]


@pytest.mark.parametrize(
    ("div", "status", "is_summary"),
    [
        ("MRI hip, final", "generated", True),
        ("MRI hip, final", "additional", False),
        ("Normal.", "generated", False),
    ],
)
def test_a_generated_narrative_without_a_sentence_is_only_a_summary(div: str, status: str, is_summary: bool):
    assert texts_of(narrated(div, status)) == ReportTexts((ReportText(div, Trust.FINDINGS_TEXT, is_summary),))


# ------------------------------------------------------------------------------------------ attachments


@pytest.mark.parametrize(
    ("attachment", "words"),
    [
        pytest.param(attached(ENGLISH), ENGLISH, id="plain text"),
        pytest.param(attached(ENGLISH, "text/plain; charset=utf-8"), ENGLISH, id="with its character set"),
        pytest.param(attached(ENGLISH, "TEXT/PLAIN"), ENGLISH, id="in capitals"),
        pytest.param(attached(ENGLISH, None), ENGLISH, id="without a type"),
        pytest.param(attached(ENGLISH, "text"), ENGLISH, id="with half a type"),
        pytest.param(attached(f"<p>{ENGLISH}</p>", "text/html"), ENGLISH, id="HTML"),
        pytest.param(attached(f"<p>{ENGLISH}</p>", "application/xhtml+xml"), ENGLISH, id="XHTML"),
        pytest.param(attached(f"<html><p>{ENGLISH}</p>", None), ENGLISH, id="HTML without a type"),
        pytest.param(attached("œdema".encode("utf-16"), "text/plain"), "œdema", id="UTF-16 by its mark"),
        pytest.param(attached("œdema".encode("cp1252"), "text/plain;charset=windows-1252"), "œdema", id="cp1252"),
        pytest.param(attached(b"\xef\xbb\xbfEdema", "text/plain; charset=UTF-8"), "Edema", id="a byte order mark"),
        pytest.param(attached("œdème".encode(), "text/plain; charset=nonsense"), "œdème", id="an unknown set"),
        pytest.param(attached("naïve".encode("latin-1"), "text/plain; charset=utf-8"), "naïve", id="a wrong set"),
        pytest.param({"contentType": "text/plain", "data": "RWRl\n bWE="}, "Edema", id="data in lines"),
        pytest.param(attached(ENGLISH, language="en-GB"), ENGLISH, id="said to be English"),
        pytest.param(attached(ENGLISH, url="https://ehr.example/Binary/1"), ENGLISH, id="with an address as well"),
    ],
)  # fmt: skip
def test_an_attachment_is_read(attachment: Json, words: str):
    assert attachment_text(attachment) == words


@pytest.mark.parametrize(
    ("attachment", "reason"),
    [
        pytest.param({"contentType": "text/plain", "url": "Binary/1"}, NotRead.ONLY_LINKED, id="a link"),
        pytest.param({"title": "Report"}, NotRead.NO_TEXT, id="nothing"),
        pytest.param({"data": 7}, NotRead.NO_TEXT, id="no data"),
        pytest.param({"data": "not base64!"}, NotRead.DAMAGED, id="no base64"),
        pytest.param(attached("{\\rtf1 Edema}", "text/rtf"), NotRead.FORMAT, id="RTF"),
        pytest.param(attached("{\\rtf1 Edema}", "text/plain"), NotRead.FORMAT, id="RTF called text"),
        pytest.param(attached("<ClinicalDocument/>", "application/xml"), NotRead.FORMAT, id="CDA"),
        pytest.param(attached(b"\x89PNG\x00", "image/png"), NotRead.FORMAT, id="an image"),
        pytest.param(attached(b"PK\x03\x04\x00\x00", None), NotRead.FORMAT, id="a word processor's file"),
        pytest.param(attached("no PDF", "application/pdf"), NotRead.PDF_UNREADABLE, id="called PDF"),
        pytest.param(attached("%PDF-1.7 broken"), NotRead.PDF_UNREADABLE, id="a broken PDF"),
        pytest.param(attached(ENGLISH, language="de-CH"), NotRead.LANGUAGE, id="said to be German"),
        pytest.param(attached(b" " * (LARGEST_ATTACHMENT + 1)), NotRead.TOO_LARGE, id="too large"),
        pytest.param({"data": "A" * 2 * LARGEST_ATTACHMENT}, NotRead.TOO_LARGE, id="too large to decode"),
        pytest.param(attached("<p>" + "x" * LONGEST_HTML, "text/html"), NotRead.TOO_LARGE, id="too much HTML"),
    ],
)
def test_an_attachment_is_not_read_for_a_reason(attachment: Json, reason: NotRead):
    assert refusal(attachment) is reason


def test_bytes_of_no_known_character_set_are_read_as_latin_1():
    assert decoded("d\xe8me \xff".encode("latin-1"), "ascii") == "d\xe8me \xff"


# -------------------------------------------------------------------------------------------------- PDF


def pdf(*pages: str, password: str = "") -> bytes:
    """A PDF of these pages, one line on each; an empty page has no text."""
    pypdf = pytest.importorskip("pypdf")
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    font = DictionaryObject(
        {NameObject(f"/{key}"): NameObject(f"/{value}") for key, value in
         (("Type", "Font"), ("Subtype", "Type1"), ("BaseFont", "Helvetica"), ("Encoding", "WinAnsiEncoding"))}
    )  # fmt: skip
    for words in pages:
        page = writer.add_blank_page(595, 842)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET".encode("latin-1"))
        page[NameObject("/Contents")] = stream
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["application/pdf", "application/octet-stream", "text/plain", None])
def test_the_pages_of_a_pdf_are_read_whatever_it_is_called(kind: str | None):
    assert (
        attachment_text(attached(pdf("Bone marrow edema.", "No erosion."), kind)) == "Bone marrow edema.\nNo erosion."
    )


def test_only_the_first_pages_of_a_long_pdf_are_read():
    pages = [f"Page {number}." for number in range(MOST_PAGES + 2)]

    assert attachment_text(attached(pdf(*pages))).split("\n") == pages[:MOST_PAGES]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(lambda: pdf(""), NotRead.PDF_WITHOUT_TEXT, id="a scan"),
        pytest.param(lambda: pdf("Edema.", password="secret"), NotRead.PDF_UNREADABLE, id="with a password"),
        pytest.param(lambda: pdf("Edema.")[:200], NotRead.PDF_UNREADABLE, id="cut off"),
    ],
)
def test_a_pdf_is_not_read_for_a_reason(content: Any, reason: NotRead):
    assert refusal(attached(content())) is reason


def test_without_pypdf_a_pdf_is_not_read_and_the_reason_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pypdf", None)

    assert refusal(attached("%PDF-1.7")) is NotRead.PDF_NOT_INSTALLED


def test_a_broken_pdf_writes_nothing_about_itself(capfd: pytest.CaptureFixture[str]):
    refusal(attached(pdf("Canarisson.").replace(b"xref", b"xxxx").replace(b"endobj", b"")))

    assert capfd.readouterr() == ("", "")


# --------------------------------------------------------------------------------------- several texts


def test_the_texts_of_a_report_come_in_order_and_each_with_its_trust():
    report = {"conclusion": "Sacroiliitis.", **narrated("<p>Edema is seen.</p>"), "presentedForm": [attached(ENGLISH)]}

    assert texts_of(report) == ReportTexts(
        (
            ReportText("Sacroiliitis.", Trust.IMPRESSION_TEXT),
            ReportText("Edema is seen.", Trust.FINDINGS_TEXT),
            ReportText(ENGLISH, Trust.FINDINGS_TEXT),
        )
    )


def test_what_cannot_be_read_beside_what_can_is_said_once():
    forms = [{"url": "Binary/1"}, {"url": "Binary/2"}, {"title": "empty"}, attached("{\\rtf1", "text/rtf"), None, "x"]

    found = texts_of({"conclusion": ENGLISH, "presentedForm": forms})

    assert (words_of({"conclusion": ENGLISH}), found.refused) == ([ENGLISH], (NotRead.ONLY_LINKED, NotRead.FORMAT))


@pytest.mark.parametrize(
    "report",
    [
        pytest.param({"presentedForm": [attached("Edema.")] * (MOST_ATTACHMENTS + 1)}, id="too many attachments"),
        pytest.param({"conclusion": f"{ENGLISH} " * 2000}, id="too long"),
    ],
)
def test_what_is_more_than_is_read_is_named(report: Json):
    assert texts_of(report).refused == (NotRead.TOO_LARGE,)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary().map(lambda data: b64encode(data).decode()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "url", "div", "contentType"]), inner),
    max_leaves=8,
)


@given(report=st.dictionaries(st.sampled_from(["conclusion", "text", "presentedForm", "language"]), ANYTHING))
def test_whatever_is_sent_as_a_report_no_text_of_it_raises(report: Json):
    found = texts_of(report)

    assert all(one.words.strip() for one in found.texts)


@given(kind=st.text(max_size=30), parameter=st.text(max_size=30), content=st.binary(max_size=60))
def test_whatever_an_attachment_is_called_it_is_read_or_refused(kind: str, parameter: str, content: bytes):
    found = texts_of({"presentedForm": [attached(content, f"text/plain{kind}; charset={parameter}")]})

    assert len(found.texts) + len(found.refused) <= 1


@pytest.mark.parametrize(
    "nothing", [{}, {"conclusion": None, "text": "x", "presentedForm": "y"}, {"conclusion": " \x00"}]
)
def test_a_report_without_text_has_none(nothing: Json):
    assert texts_of(nothing) == ReportTexts()


# --------------------------------------------------------------------------------------------- language

FOREIGN = {
    "German": "MRT der Iliosakralgelenke. Technik: T1 und STIR. Befund: Knochenmarködem im linken Iliosakralgelenk, bis"
    " 12 mm tief. Keine Erosionen. Kein Gelenkerguss. Beurteilung: Aktive Sakroiliitis links.",
    "terse German": "Knochenmarkoedem Femurkopf rechts. Osteonekrose ARCO II. Kein Erguss.",
    "a German denial": "Kein Osteomyelitis",
    "French": "IRM sacro-iliaque. Œdème médullaire de l'articulation sacro-iliaque gauche, sans érosion. Pas"
    " d'épanchement. Conclusion : sacro-iliite active gauche.",
    "Spanish": "RM de articulaciones sacroilíacas. Edema óseo en la articulación sacroilíaca izquierda, de 12 mm de"
    " profundidad. No se observan erosiones. Sin derrame articular.",
    "a Spanish doubt": "No se puede descartar osteomielitis",
    "Dutch": "MRI SI-gewrichten. Botoedeem van het linker SI-gewricht met een diepte van 12 mm. Geen erosies. Geen"
    " synovitis. Conclusie: actieve sacro-iliitis links.",
    "Italian": "Edema midollare osseo dell'articolazione sacroiliaca sinistra. Non erosioni. Assenza di versamento.",
    "Portuguese": "Edema da medula óssea na articulação sacroilíaca esquerda. Sem erosões. Não há derrame.",
    "Polish": "Obrzęk szpiku kostnego w lewym stawie krzyżowo-biodrowym. Bez nadżerek i bez wysięku.",
    "a language we list no words of": "Luuydinturvotus vasemmassa nivelessa, syvyys kaksitoista millimetria. Ei"
    " eroosioita eika nivelnestetta. Lausunto: aktiivinen sakroiliitti vasemmalla puolella selvasti.",
    "another script": "左仙腸関節に骨髄浮腫を認める。骨びらんなし。",
}

TELEGRAPHIC = [
    "BME left SI joint, depth 12 mm. Erosions. Mild synovitis. No effusion. No fracture.",
    "MRI SI joints: STIR hyperintense signal bilateral sacral ala. T1 hypointense. Erosions present. Ankylosis absent."
    " Fat metaplasia. IMPRESSION: active sacroiliitis",
    "Double line sign femoral head. Effusion. Osteonecrosis ARCO 2. Bone marrow edema femoral neck.",
    "Osteomyelitis calcaneus. T1 hypointense, STIR hyperintense. Soft tissue ulcer. Abscess plantar. Cellulitis.",
    "Osteomyelitis.",
    "Normal.",
    "Non-specific edema.",
    "r/o osteomyelitis",
    "Os trigonum edema, s/p op",
    "Med. meniscus resected en bloc",
    "de Quervain tenosynovitis of the left wrist",
    "Müller-Weiss disease with edema",
]


@pytest.mark.parametrize("words", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_text_in_another_language_is_not_english(words: str):
    assert is_english(words) is False


@pytest.mark.parametrize("words", [ENGLISH, *TELEGRAPHIC])
def test_a_terse_english_text_is_english(words: str):
    assert is_english(words) is True


@pytest.mark.parametrize(
    ("tag", "english"),
    [("", True), ("en", True), ("en-US", True), ("EN_gb", True), ("eng", True), ("de", False), ("enx", False)],
)  # fmt: skip
def test_a_language_tag_says_whether_a_text_is_english(tag: str, english: bool):
    assert is_english_tag(tag) is english


def test_a_report_that_is_said_to_be_in_another_language_is_not_read():
    assert texts_of({"language": "nl-NL", "conclusion": "Osteomyelitis."}) == ReportTexts(refused=(NotRead.LANGUAGE,))


@pytest.mark.parametrize("language", FOREIGN)
def test_a_report_in_another_language_is_not_half_read(language: str):
    report = {"conclusion": "Osteomyelitis.", "presentedForm": [attached(f"<p>{FOREIGN[language]}</p>", "text/html")]}

    assert texts_of(report) == ReportTexts(refused=(NotRead.LANGUAGE,))


def test_the_texts_of_its_observations_tell_the_language_of_a_report():
    assert texts_of({"conclusion": "Sacroiliitis."}, [FOREIGN["German"]]) == ReportTexts(refused=(NotRead.LANGUAGE,))
