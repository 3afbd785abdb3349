"""The evidence page of the SMART app: what it shows of an answer, and what it never does."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from support.evidence import RULES, VERSION, answer_of, evidence_of, page_about, page_of, scenarios
from support.html import Element, parsed

from cds_service.cards import wording
from cds_service.cards.content import Content
from cds_service.cards.render import texts
from cds_service.fhir.client import Failure
from cds_service.knowledge.evidence import SOURCE_ATTRIBUTES
from cds_service.knowledge.facts import BLEEDING_RISK, DEPTH, FEVER, RIM_SIGN, T1_SIGNAL
from cds_service.model.finding import State
from cds_service.model.quantity import exact
from cds_service.smart.differential import Candidate
from cds_service.smart.evidence import NOT_GRANTED, Evidence, Place
from cds_service.smart.what_if import Supposed, read_supposed

CONFLICT = "depth-coded-and-dictated-differently"
DEEP = "deep-sacroiliac-edema-with-low-t1"
FOOT = "diabetic-foot-new-edema"
HIP = "hip-edema-rim-not-described"
KNEE = "normal-knee"
NO_T1 = "sacroiliac-study-without-t1"
SIDES = "synovitis-left-effusion-right"

FEW = (DEEP, FOOT, KNEE)


def changed(name: str, **prefetch: Any) -> dict[str, Any]:
    """The request of a scenario with other prefetch; None leaves a key out."""
    body: dict[str, Any] = json.loads(json.dumps(scenarios()[name].request))
    body["prefetch"] = {key: one for key, one in {**body["prefetch"], **prefetch}.items() if one is not None}
    return body


@cache
def page(name: str, query: tuple[tuple[str, str], ...] = (), **more: Any) -> Element:
    return parsed(page_of(name, query, **more))


def section(document: Element, name: str) -> Element:
    return document.one("section", aria_labelledby=name)


def place(shown: Evidence, name: str) -> Place:
    (found,) = (one for one in shown.places if one.name == name)
    return found


def candidate(shown: Evidence, cause: str) -> Candidate:
    (found,) = (one for one in shown.candidates if one.id == cause)
    return found


# ---------------------------------------------------------------------------------------------- the bottom line


def words_of_card(content: Content) -> str:
    """What a card says, without the marks of Markdown."""
    written = re.sub(r"^- |\*\*", "", "\n".join(texts(content)), flags=re.MULTILINE)
    return " ".join(written.split())


def assert_bottom_line_is_the_cards(name: str) -> None:
    cards = section(page(name), "bottom-line").find("article")
    shown = [card.text.replace("The rest of this card ", "") for card in cards]

    assert shown == [words_of_card(content) for content in answer_of(name).contents]


@pytest.mark.parametrize("name", FEW)
def test_the_bottom_line_is_the_card_in_its_own_words(name: str):
    assert_bottom_line_is_the_cards(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(scenarios()) - set(FEW)))
def test_the_bottom_line_is_the_card_in_every_scenario(name: str):
    assert_bottom_line_is_the_cards(name)


def test_no_card_is_said_in_words_that_exclude_nothing():
    shown = section(page(KNEE), "bottom-line")

    assert shown.one("p", class_="card").text == f"{wording.NO_CARD} {wording.NOTHING_EXCLUDED}"


def test_a_patient_who_has_died_gets_the_reason_and_no_advice():
    patient = {**scenarios()[FOOT].request["prefetch"]["patient"], "deceasedBoolean": True}

    shown = parsed(page_about(changed(FOOT, patient=patient), scenarios()[FOOT].as_of))

    assert section(shown, "bottom-line").one("p", class_="card").text == wording.DECEASED
    assert shown.find("textarea") == []
    assert "Advice that follows" not in section(shown, "differential").text
    assert "Advice that follows" in section(page(FOOT), "differential").text
    assert section(shown, "what-if").find("tr") == []


# ---------------------------------------------------------------------------------------------- who and when


def test_the_banner_says_who_when_and_by_which_rules():
    header = page(FOOT).one("header").text

    assert header == (
        "Bone marrow edema on MRI decision support, not a diagnosis"
        " Patient Diabetes Example Born 1965-05-17 Sex male Identifiers Medical record number EXAMPLE-0006"
        " As of 2026-11-18 02:07 UTC; the page does not follow the chart. Assessed: MRI of 2026-11-17,"
        " ImagingStudy/example-foot-study, report DiagnosticReport/example-foot-report."
        f" Rule set {VERSION}."
    )


def test_the_page_says_what_it_was_opened_for_and_where_it_was_read():
    header = parsed(page_of(FOOT, opened="DiagnosticReport/a\u202eb", source="Example <EHR>")).one("header").text

    assert "Read from Example <EHR>. Opened for DiagnosticReport/ab." in header


def test_a_client_with_a_banner_of_its_own_still_gets_one_line():
    shown = page(FOOT, patient_banner=False).one("p", class_="banner")

    assert shown.text == "Diabetes Example, born 1965-05-17, male, Medical record number EXAMPLE-0006"


@pytest.mark.parametrize("whole", [True, False])
def test_without_a_patient_resource_the_id_of_the_call_is_shown(whole: bool):
    html = page_about(
        changed(FOOT, patient=None), scenarios()[FOOT].as_of, patient_id="example-diabetic-foot", patient_banner=whole
    )

    assert "Patient/example-diabetic-foot" in parsed(html).one(class_="banner").text


def test_the_title_of_the_window_names_nobody():
    # Titles stay in the history of a browser.
    (title,) = page(FOOT).one("head").find("title")

    assert title.text == "Bone marrow edema on MRI: evidence behind the card"


# ---------------------------------------------------------------------------------------------- findings


def test_a_finding_from_text_stands_beside_its_words_its_place_and_its_day():
    (row,) = (one for one in place(evidence_of(FOOT), "left foot or ankle").stated if one.fact == "t1_signal")

    assert [(one.value, one.how, one.reference, one.day, one.quote) for one in row.readings] == [
        (
            "normal",
            "read in the text",
            "DiagnosticReport/example-foot-report",
            "2026-11-17",
            "T1 marrow signal is preserved.",
        )
    ]
    assert "T1 marrow signal is preserved." in [one.text for one in page(FOOT).find("mark")]


def test_absent_and_not_reported_stand_apart():
    shown = place(evidence_of(SIDES), "left sacroiliac joint")

    assert [one.label for one in shown.absent] == ["joint effusion"]
    assert "erosion" in shown.not_reported
    assert {"erosion", "joint effusion"} & {one.label for one in shown.stated} == set()


def test_a_conflict_shows_both_sides_and_says_that_the_record_disagrees():
    (depth,) = (one for one in place(evidence_of(CONFLICT), "left sacroiliac joint").stated if one.fact == "depth_mm")

    assert depth.value == "8 mm / 12 mm (the record disagrees)"
    assert [(one.value, one.how) for one in depth.readings] == [("8 mm", "coded"), ("12 mm", "read in the impression")]


def test_what_a_text_denies_or_doubts_is_called_so():
    rows = {one.fact: one for one in place(evidence_of("osteomyelitis-not-excluded"), "right foot or ankle").stated}

    assert {reading.how for reading in rows["osteomyelitis"].readings} == {"read in the impression, uncertain"}


def test_what_was_not_granted_is_never_shown_as_none():
    shown = parsed(page_of(FOOT, not_granted={"conditions": NOT_GRANTED, "labs": Failure.TIMED_OUT}))

    gaps = [one.text for one in section(shown, "findings").find("p", class_="gap")]
    assert gaps == [
        "Not read: problem list: not granted. What it would say is not known.",
        "Not read: laboratory results: timed out. What it would say is not known.",
    ]
    assert section(shown, "bottom-line").find("p", class_="gap")[0].text == (
        "Not checked: problem list (not granted), laboratory results (timed out)."
    )


def test_a_key_that_was_not_sent_is_named_where_it_is_missed():
    shown = parsed(page_about(changed(FOOT, observations=None), scenarios()[FOOT].as_of))

    assert "Not read: observations: not sent. What it would say is not known." in [
        one.text for one in section(shown, "findings").find("p", class_="gap")
    ]


def test_a_report_that_could_not_be_read_is_named_with_the_reason():
    report = scenarios()[KNEE].request["prefetch"]["reports"]["entry"][0]["resource"]
    unread = {
        key: value for key, value in report.items() if key not in ("conclusion", "text", "presentedForm", "result")
    }
    body = changed(KNEE, reports={"resourceType": "Bundle", "entry": [{"resource": unread}]}, report=None)

    shown = parsed(page_about(body, scenarios()[KNEE].as_of))

    assert "Could not be read: DiagnosticReport/" in section(shown, "findings").text


# ---------------------------------------------------------------------------------------------- differential


def test_every_cause_is_listed_raised_ones_first_and_in_the_engines_order():
    shown = evidence_of(FOOT)

    assert [(one.rank, one.id) for one in shown.candidates if one.rank] == [(1, "osteomyelitis"), (2, "charcot")]
    assert {one.id for one in shown.candidates} == set(RULES.causes)


def test_a_criterion_without_an_answer_is_unknown_and_never_not_met():
    asked = {one.words: one.met for rule in candidate(evidence_of(DEEP), "axspa").open for one in rule.criteria}

    assert asked["erosion present"] == "unknown"
    assert asked["at sacroiliac joint"] == "met"


def test_a_criterion_says_what_is_asked_with_the_sites_own_figures():
    (deep,) = (one for one in candidate(evidence_of(DEEP), "axspa").speaking if one.id == "axspa-deep-edema")

    assert [(one.words, one.met) for one in deep.criteria] == [
        ("bone marrow edema present", "met"),
        ("depth of edema from the articular surface >= 10 mm", "met"),
        ("at sacroiliac joint", "met"),
    ]
    assert (deep.effect, deep.citation) == (
        "inflammatory arthritis / axial spondyloarthritis likely",
        "S10, S11, beyond: de Winter",
    )


def test_the_page_works_out_no_percentage():
    shown = section(page(FOOT), "differential").one("table", class_="ranked").text

    assert "%" not in shown


# ---------------------------------------------------------------------------------------------- what if


def test_a_missing_fact_comes_with_what_it_would_change_and_what_to_order():
    first = evidence_of(HIP).questions[0]

    assert (first.label, first.actions) == (
        RIM_SIGN.label,
        ("Order dynamic contrast-enhanced MRI to tell osteonecrosis from transient bone marrow edema syndrome.",),
    )
    assert first.changes == (
        ("present", "Urgent, osteonecrosis"),
        ("absent", "Early review, nonspecific bone marrow edema"),
    )
    assert [one.value for one in first.choices] == ["present", "absent"]


@pytest.mark.slow
def test_values_that_lead_to_the_same_are_said_together():
    (t1,) = (one for one in evidence_of(NO_T1).questions if one.name == "if.t1_signal")

    assert t1.changes == (("normal, high, variable, low", "Urgent, inflammatory arthritis / axial spondyloarthritis"),)


def test_a_fact_that_a_missing_sequence_would_show_names_the_sequence():
    asked = {one.name: one.actions for one in evidence_of(NO_T1).questions}

    assert asked["if.erosion"] == ("Add a T1-weighted sequence.",)
    assert asked["if.fever"] == ()


def test_the_address_of_the_page_says_what_is_supposed():
    asked = [("if.fever", "present"), ("if.t1_signal", "low"), ("if.depth_mm", "12"), ("if.rim_sign", ""), ("x", "y")]

    assert read_supposed(asked, RULES) == Supposed(
        ((FEVER, State.PRESENT), (T1_SIGNAL, "low"), (DEPTH, exact(12))), refused=0
    )


@pytest.mark.parametrize(
    "asked",
    [
        ("if.unheard_of", "present"),
        ("if.fever", "maybe"),
        ("if.fever", "indeterminate"),
        ("if.t1_signal", "<script>"),
        ("if.depth_mm", "NaN"),
        ("if.depth_mm", "1e9"),
        ("if.depth_mm", "-3"),
        ("if.site", "hip"),
        ("if.order.t1", "present"),
    ],
)
def test_a_supposition_that_cannot_be_is_counted_and_left_out(asked: tuple[str, str]):
    assert read_supposed([asked], RULES) == Supposed((), refused=1)


def test_what_is_supposed_changes_the_answer_and_is_marked_everywhere():
    shown = page(HIP, (("if.fever", "present"),))

    headings = [one.text for one in shown.one("main").find("h2")]
    assert [one for one in headings if "what if, not the record" not in one.lower()] == []
    assert shown.one("body").attributes["class"] == "what-if"
    assert shown.one("head").find("title")[0].text.startswith("What if, not the record:")
    assert section(shown, "bottom-line").find("h3")[0].text.startswith("Urgent: osteomyelitis possible, act now")
    assert "On the record alone: Early review: osteonecrosis possible" in section(shown, "what-if-title").text


def test_what_is_supposed_has_no_source_and_the_record_goes_before_it():
    shown = evidence_of(HIP, [("if.fever", "present"), ("if.bme", "absent"), ("if.bleeding_risk", "present")])

    assert shown.supposed == (
        (FEVER.label, "present", True),
        ("bone marrow edema", "absent", False),
        (BLEEDING_RISK.label, "present", True),
    )
    assert [(one.label, one.supposed) for one in shown.patient.stated if one.fact == "fever"] == [("fever", True)]


def test_no_letter_is_drafted_from_what_the_record_does_not_state():
    assert evidence_of(DEEP, [("if.fever", "present")]).letters == ()


# ---------------------------------------------------------------------------------------------- drawings


def test_the_line_on_the_drawing_is_the_depth_that_the_rules_ask_for():
    drawn = evidence_of(DEEP).time_line

    assert drawn is not None
    assert [one.words for one in drawn.lines] == ["10 mm line"]
    assert [(one.words, one.top > drawn.lines[0].y) for one in drawn.marks] == [
        ("2026-11-12, left sacroiliac joint: 15 mm", True)
    ]


def test_the_studies_also_stand_in_a_table_with_those_that_are_history():
    rows = evidence_of(FOOT).studies

    assert [(one.day, one.edema, one.assessed) for one in rows] == [
        ("2026-11-17", ("left foot or ankle: bone marrow edema present",), True),
        ("2026-03-09", ("left foot or ankle: bone marrow edema absent",), False),
    ]


def test_no_line_is_drawn_where_no_depth_is_known():
    drawn = evidence_of(FOOT).time_line

    assert drawn is not None
    assert (drawn.lines, [tick.measured for tick in drawn.ticks]) == ((), [False, False])


def test_right_of_the_patient_is_left_on_the_map_and_each_mark_leads_to_its_findings():
    right, left = sorted(evidence_of(SIDES).spots, key=lambda spot: spot.marks)
    ids = {one.attributes.get("id") for one in page(SIDES).all()}

    assert (right.on_left, left.on_left) == (True, False)
    assert (right.anchor, left.anchor) == ("site-si_joint-right", "site-si_joint-left")
    assert right.words == ("right sacroiliac", "joint", "bone marrow", "edema: present")
    assert {right.anchor, left.anchor} <= ids


def test_every_link_of_the_page_leads_somewhere_on_it():
    for name in FEW:
        document = page(name)
        ids = {one.attributes.get("id") for one in document.all()}
        targets = {one.attributes["href"] for one in document.find("a")}

        assert [target for target in targets if target and target.removeprefix("#") not in ids] == []


def test_no_id_is_used_twice():
    for name in FEW:
        ids = [found for one in page(name).all() if (found := one.attributes.get("id"))]

        assert sorted(ids) == sorted(set(ids))


# ---------------------------------------------------------------------------------------------- the letter


def test_the_letter_is_an_unsent_draft_with_a_source_for_each_finding():
    (letter,) = evidence_of(DEEP).letters

    head, _, foot = letter.text.partition("Sources in the record:\n")
    assert letter.text.splitlines()[0] == wording.DRAFT
    assert foot.splitlines()[0] == "[1] Observation/example-si-edema, 2026-11-12"
    findings = [line for line in head.splitlines() if line.startswith("- left sacroiliac joint:")]
    assert findings == [
        "- left sacroiliac joint: bone marrow edema: present [1]",
        "- left sacroiliac joint: depth of edema from the articular surface: 15 mm [1]",
        "- left sacroiliac joint: marrow signal on T1: low [1]",
    ]


def test_where_the_referral_is_placed_no_letter_is_drafted():
    assert evidence_of("referral-already-placed").letters == ()


# ---------------------------------------------------------------------------------------------- evidence and limits


def test_the_source_attributes_say_truly_what_the_rules_use():
    used = {fact.name for rule in RULES.rules for fact in rule.facts()}
    told = {name.removeprefix("Use of "): words.startswith("used") for name, words in SOURCE_ATTRIBUTES[4:]}

    assert {name for name, holds in told.items() if holds} == {"sex", "date of birth"}
    assert {"sex", "age"} <= used
    assert len(SOURCE_ATTRIBUTES) == 13


def test_the_queries_say_what_came_and_why_something_did_not():
    shown = evidence_of(FOOT, not_granted={"conditions": NOT_GRANTED})

    told = {one.key: (one.state, one.why) for one in shown.queries}
    assert told["conditions"] == ("data", "not granted")
    assert told["patient"] == ("data", "")


# ---------------------------------------------------------------------------------------------- the document


@pytest.mark.parametrize("name", FEW)
def test_the_document_holds_no_script_style_or_handler_of_its_own(name: str):
    document = page(name, assets="/static")

    assert [one.attributes.get("src") for one in document.find("script")] == ["/static/page.js"]
    assert document.find("style") == []
    handlers = [found for one in document.all() for found in one.attributes if found.startswith("on")]
    styled = [one.tag for one in document.all() if "style" in one.attributes]
    assert (handlers, styled) == ([], [])


def test_a_page_that_stands_alone_asks_for_nothing_and_has_no_script():
    document = page(FOOT)

    assert document.find("script") + document.find("link") + document.find("select") == []
    assert [one.attributes["content"] for one in document.find("meta", http_equiv="Content-Security-Policy")] == [
        "default-src 'none'; style-src 'unsafe-inline'"
    ]


@pytest.mark.parametrize("name", FEW)
def test_headings_go_down_one_level_at_a_time(name: str):
    levels = [int(one.tag[1]) for one in page(name).all() if re.fullmatch(r"h[1-6]", one.tag)]

    assert levels[0] == 1
    assert [pair for pair in pairwise(levels) if pair[1] - pair[0] > 1] == []


def test_every_table_has_a_caption_and_column_headers():
    for table in page(FOOT).find("table"):
        assert table.find("caption")
        assert table.find("th", scope="col")


def test_template_words_of_a_record_stay_words():
    patient = {**scenarios()[FOOT].request["prefetch"]["patient"], "name": [{"text": "{{ 7*7 }}{% raw %} <b>&\"'"}]}

    shown = parsed(page_about(changed(FOOT, patient=patient), scenarios()[FOOT].as_of))

    assert shown.one("dl", class_="banner").find("bdi")[0].text == "{{ 7*7 }}{% raw %} <b>&\"'"
