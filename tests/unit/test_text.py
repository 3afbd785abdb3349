from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.cards.text import QUOTE_LIMIT, markdown, plain

# The tables and the strike-through of GitHub; its automatic links are looked for below.
GITHUB = MarkdownIt("gfm-like", {"linkify": False, "html": True})

# How remark-gfm, which the CDS Hooks Sandbox uses, finds addresses in the finished text.
AUTOMATIC_LINKS = re.compile(r"(?:https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(?:\.[-\w]+)+", re.IGNORECASE)

HOSTILE = st.text(
    alphabet=st.sampled_from("\\`*_{}[]()<>#+-.!|~&;:/@'\"$%^=?, aw1\n\r\t\u200b\u202e\ufeff\x00\u0301é🦴`")
    | st.characters(),
    max_size=60,
)


class Seen(HTMLParser):
    """What a browser would make of a piece of HTML: its elements, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag if not attrs else f"{tag} {attrs}")

    def handle_comment(self, data: str) -> None:
        self.elements.append("comment")

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(source: str) -> tuple[list[str], str]:
    """Return the elements and the text that a renderer of GitHub's Markdown shows."""
    page = Seen()
    page.feed(GITHUB.render(source))
    page.close()
    return page.elements, page.text.strip("\n")


PAYLOADS = [
    "[x](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<!-- hidden -->",
    "</p><iframe src=//evil.example>",
    "&lt;b&gt; &amp; &#60;",
    "# heading",
    "- item",
    "1. item",
    "1) item",
    "> quote",
    "    code",
    "`code` and ```more```",
    "a | b\n--- | ---\n1 | 2",
    "~~gone~~",
    "**loud** __loud__ *soft* _soft_",
    "title\n===",
    "***",
    "[S4]: http://evil.example",
    "[^1]: note",
    "<http://evil.example>",
    "http://evil.example/a?b=c",
    "see WWW.evil.example",
    "mail a.b+c@evil.example now",
    "\\[not escaped\\](x)",
    "line\\\nbreak  \nend",
    ":smile: @someone #12",
    "$x^2$",
]


@settings(max_examples=1500)
@given(HOSTILE)
def test_markdown_shows_nothing_but_a_paragraph_of_the_plain_text(text: str):
    elements, shown = seen(markdown(text))

    assert (elements, shown) == (["p"] if plain(text) else [], plain(text))
    assert AUTOMATIC_LINKS.search(shown) is None


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_is_shown_as_the_text_it_is(payload: str):
    elements, shown = seen(markdown(payload))

    assert (elements, shown) == (["p"], plain(payload))
    assert AUTOMATIC_LINKS.search(shown) is None


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_the_middle_of_a_list_item_is_text_as_well(payload: str):
    elements, shown = seen(f"- said: {markdown(payload)}, of 2026-03-02\n- next")

    assert elements == ["ul", "li", "li"]
    assert " ".join(shown.split()) == f"said: {plain(payload)}, of 2026-03-02 next"


@settings(max_examples=1000)
@given(HOSTILE)
def test_plain_text_is_one_visible_line(text: str):
    line = plain(text)

    assert line == " ".join(line.split())
    assert {unicodedata.category(mark) for mark in line} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert unicodedata.is_normalized("NFC", line)
    assert plain(line) == line


@given(st.text(max_size=400), st.integers(1, 200))
@example("a" * 161, 160)
@example("x " * 200, 160)
def test_plain_text_is_never_longer_than_asked(text: str, limit: int):
    assert len(plain(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("  a\n\tb\r\nc  ", "a b c", id="blanks"),
        pytest.param("a\u202eb\u2066c\u200bd\ufeffe\u00adf", "abcdef", id="invisible and turning marks"),
        pytest.param("a\x00b\x1bc\x85d", "a b c d", id="control marks"),
        pytest.param("a\ud800b", "ab", id="half a character"),
        pytest.param("e\u200d\u0301", "é", id="composed after what is dropped"),
        pytest.param("a\u00a0b\u2028c", "a b c", id="other blanks"),
        pytest.param("Edema, 12 mm (left)", "Edema, 12 mm (left)", id="what reports hold"),
        pytest.param("STIR ↑ ≥ 1 cm – “low” T1", "STIR ↑ ≥ 1 cm – “low” T1", id="typography"),
        pytest.param("https://a.example", "https: //a.example", id="an address of the web"),
        pytest.param("www.a.example", "www .a.example", id="an address without its scheme"),
        pytest.param("a.b@c.example", "a.b @c.example", id="an address of mail"),
        pytest.param("w/o, h/o, 12 mm @ L5", "w/o, h/o, 12 mm @ L5", id="abbreviations"),
        pytest.param("", "", id="nothing"),
        pytest.param("\u200b\n", "", id="nothing that can be seen"),
    ],
)
def test_plain_text_keeps_what_can_be_read(text: str, line: str):
    assert plain(text) == line


def test_a_long_quote_ends_in_an_ellipsis():
    sentence = "Bone marrow edema. " * 20

    assert plain(sentence) == f"{(sentence[: QUOTE_LIMIT - 1]).rstrip()}…"
    assert plain("a" * QUOTE_LIMIT) == "a" * QUOTE_LIMIT
    assert plain("a" * (QUOTE_LIMIT + 1)) == "a" * (QUOTE_LIMIT - 1) + "…"


def test_every_mark_that_markdown_knows_is_escaped():
    assert markdown("!\"#$%&'()*+,-./:;<=>?[\\]^_`{|}~") == "".join(
        f"\\{mark}" for mark in "!\"#$%&'()*+,-./:;<=>?[\\]^_`{|}~"
    )
