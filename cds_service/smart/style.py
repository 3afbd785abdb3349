"""How the record looks (SMART App Launch 2.2, ``smart_style_url``), as far as the page can follow it.

It comes from elsewhere and goes into a style sheet: only known names with values of a fixed form are taken, and colours
only if everything stays readable on them (WCAG 2.2, 1.4.3: 4.5 to 1).
"""

from __future__ import annotations

import re
from typing import Any

import orjson

READABLE = 4.5
ON_PAPER = ("#4d5560", "#a3001b", "#0b5c8a", "#8a5200", "#6b2fb3")
"""The colours of words in ``page.css`` that a style does not change, on light paper."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_SIZE = re.compile(r"(1[2-9]|2[0-4])px")
_RADIUS = re.compile(r"([0-9]|1[0-9]|20)px")
_FAMILIES = ("serif", "sans-serif", "system-ui", "ui-sans-serif", "ui-serif")


def read_style(body: bytes) -> dict[str, str]:
    """Return the custom properties that a style document sets, by name; none for what is no such document."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return style_of(given) if isinstance(given, dict) else {}


def style_of(given: dict[str, Any]) -> dict[str, str]:
    """Return the custom properties of a style, those that can be used."""
    paper, ink = (_one(_COLOUR, given.get(name)) for name in ("color_background", "color_text"))
    found: dict[str, str] = {}
    if paper and ink and all(contrast(paper, colour) >= READABLE for colour in (ink, *ON_PAPER)):
        found |= {"--paper": paper, "--ink": ink}
    link = _one(_COLOUR, given.get("color_highlight"))
    if link and all(contrast(link, on) >= READABLE for on in (found.get("--paper", "#ffffff"), "#f1f3f6")):
        found["--link"] = link
    if size := _one(_SIZE, given.get("dim_font_size")):
        found["--size"] = size
    if radius := _one(_RADIUS, given.get("dim_border_radius")):
        found["--radius"] = radius
    families = str(given.get("font_family_body")).split(",")
    if family := next((one.strip() for one in families if one.strip() in _FAMILIES), ""):
        found["--family"] = family
    return found


def style_sheet(properties: dict[str, str]) -> str:
    """Return the style sheet that sets them, on light paper: the record has no dark one."""
    rules = "; ".join(f"{name}: {value}" for name, value in properties.items())
    return f"@media screen and (prefers-color-scheme: light) {{ :root {{ {rules} }} }}\n"


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, such as ``#16202b``, from 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _one(form: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and form.fullmatch(value) else ""
