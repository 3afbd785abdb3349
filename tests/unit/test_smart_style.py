"""A record's style changes how the page looks, and never whether it can be read."""

from __future__ import annotations

import pytest

from cds_service.smart.page import STATIC
from cds_service.smart.style import ON_PAPER, contrast, read_style, style_of, style_sheet


def test_a_style_is_followed_as_far_as_it_can_be():
    given = {
        "color_background": "#ffffff",
        "color_text": "#16202b",
        "color_highlight": "#1b5fae",
        "dim_font_size": "16px",
        "dim_border_radius": "6px",
        "font_family_body": "Corporate Sans, sans-serif",
        "something": "else",
    }

    assert style_of(given) == {
        "--paper": "#ffffff",
        "--ink": "#16202b",
        "--link": "#1b5fae",
        "--size": "16px",
        "--radius": "6px",
        "--family": "sans-serif",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"color_background": "#777777", "color_text": "#000000"},
        {"color_background": "#ffffff", "color_text": "#999999"},
        {"color_background": "#000000", "color_text": "#ffffff"},
        {"color_background": "#ffffff"},
        {"color_background": "white", "color_text": "black"},
        {"color_highlight": "#ffff00"},
        {"color_highlight": "#1b5fae; } body { display: none"},
        {"dim_font_size": "4px"},
        {"dim_font_size": 16},
        {"dim_border_radius": "calc(1px)"},
        {"font_family_body": "url(https://evil.example/x)"},
        {"color_text": None},
    ],
)
def test_what_cannot_be_read_or_is_no_such_value_is_left_out(given: dict[str, object]):
    assert style_of(given) == {}


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b"7", b"\xff"])
def test_what_is_no_style_sets_nothing(body: bytes):
    assert read_style(body) == {}


def test_the_sheet_holds_for_light_screens_only():
    assert style_sheet({"--ink": "#000000", "--size": "16px"}) == (
        "@media screen and (prefers-color-scheme: light) { :root { --ink: #000000; --size: 16px } }\n"
    )


@pytest.mark.parametrize(("pair", "ratio"), [(("#000000", "#ffffff"), 21.0), (("#777777", "#ffffff"), 4.48)])
def test_contrast_is_that_of_wcag(pair: tuple[str, str], ratio: float):
    assert round(contrast(*pair), 2) == round(contrast(*reversed(pair)), 2) == ratio


def test_the_colours_that_stay_are_those_of_the_page():
    light = (STATIC / "page.css").read_text().partition("@media (prefers-color-scheme: dark)")[0]

    assert [colour for colour in ON_PAPER if colour not in light] == []
