"""How what the record says is sorted into lesions (decision table 3.10.1). Facts and sites are the real ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.engine.lesions import assemble, concerns, with_context
from cds_service.knowledge.facts import FACTS
from cds_service.knowledge.sites import HIP_SITES, SITES
from cds_service.model.case import Draft, Lesion, Statement, Study
from cds_service.model.finding import Finding, Provenance, State, Trust, Value
from cds_service.model.quantity import Range, exact, length_about_mm, length_between_mm, length_mm, length_up_to_mm
from cds_service.model.truth import Truth

PRESENT, ABSENT, INDETERMINATE = State.PRESENT, State.ABSENT, State.INDETERMINATE
MRI = "ImagingStudy/mri"
OLD, NEW = Study("old", "2025-01-10"), Study("new", "2026-01-10")


def said(fact: str, value: Value = PRESENT, *, study: str = MRI, trust: Trust = Trust.CODED, **more: Any) -> Statement:
    """Return a statement; without ``site`` it is about the left sacroiliac joint."""
    place = {} if "site" in more else {"site": "si_joint", "side": "left"}
    reference = more.pop("reference", "")
    source = Provenance(reference, more.pop("date", ""), trust, more.pop("quote", ""))
    return Statement(fact, value, source, study=study, **{**place, **more})


def sort(statements: Iterable[Statement], *studies: Study) -> tuple[Mapping[str, Finding], tuple[Lesion, ...]]:
    return assemble(statements, {study.key: study for study in studies}, FACTS, SITES)


def lesions_of(*statements: Statement, studies: tuple[Study, ...] = ()) -> tuple[Lesion, ...]:
    return sort(statements, *studies)[1]


def only(lesions: tuple[Lesion, ...]) -> Lesion:
    (lesion,) = lesions
    return lesion


Outline = dict[tuple[str, str | None, str], dict[str, tuple[Value, ...]]]


def outline(lesions: Iterable[Lesion]) -> Outline:
    """Return what is stated of each lesion, by group, side and study."""
    return {
        (one.group, one.side, one.study.key): {name: found.values for name, found in one.findings.items()}
        for one in lesions
    }


# Patient, study, lesion


def test_facts_go_to_the_patient_the_study_or_the_lesion() -> None:
    patient, lesions = sort(
        [
            Statement("diabetes", PRESENT),
            Statement("age", exact(60)),
            Statement("seq.t1", "acquired", study=MRI),
            Statement("change", "new", study=MRI),
            said("bme"),
        ]
    )

    assert {name: found.values for name, found in patient.items()} == {"age": (exact(60),), "diabetes": (PRESENT,)}
    assert {name: found.values for name, found in only(lesions).study.findings.items()} == {
        "change": ("new",),
        "seq.t1": ("acquired",),
    }
    assert outline(lesions) == {("si_joint", "left", MRI): {"bme": (PRESENT,)}}


def test_what_is_said_of_a_study_holds_for_all_its_lesions_and_no_other() -> None:
    lesions = lesions_of(
        said("bme", side="left", site="si_joint"),
        said("bme", side="right", site="si_joint"),
        said("bme", site="foot_ankle", side="left", study="other"),
        Statement("change", "new", study=MRI),
    )

    assert [(one.group, one.side, sorted(one.study.findings)) for one in lesions] == [
        ("foot_ankle", "left", []),
        ("si_joint", "left", ["change"]),
        ("si_joint", "right", ["change"]),
    ]


def test_a_fact_that_is_not_listed_is_ignored() -> None:
    assert sort([said("nail_colour"), Statement("shoe_size", exact(41))]) == ({}, ())


def test_a_fact_that_is_not_listed_hides_nothing_behind_it() -> None:
    assert outline(lesions_of(said("nail_colour"), said("bme"))) == {("si_joint", "left", MRI): {"bme": (PRESENT,)}}


def test_nothing_said_makes_nothing() -> None:
    assert sort([]) == ({}, ())


# Sides


def test_each_side_is_a_lesion_of_its_own() -> None:
    lesions = lesions_of(
        said("synovitis", site="si_joint", side="left"), said("effusion", site="si_joint", side="right")
    )

    assert outline(lesions) == {
        ("si_joint", "left", MRI): {"synovitis": (PRESENT,)},
        ("si_joint", "right", MRI): {"effusion": (PRESENT,)},
    }


def test_both_means_two_lesions_with_the_same_findings() -> None:
    lesions = lesions_of(said("bme", site="si_joint", side="both"), said("erosion", site="si_joint", side="right"))

    assert outline(lesions) == {
        ("si_joint", "left", MRI): {"bme": (PRESENT,)},
        ("si_joint", "right", MRI): {"bme": (PRESENT,), "erosion": (PRESENT,)},
    }


def test_a_finding_without_side_joins_the_only_side_of_its_study() -> None:
    lesions = lesions_of(said("bme", site="si_joint", side="right"), said("erosion", site="si_joint", side=None))

    assert outline(lesions) == {("si_joint", "right", MRI): {"bme": (PRESENT,), "erosion": (PRESENT,)}}


def test_a_finding_without_side_stays_apart_when_there_are_two_sides() -> None:
    lesions = lesions_of(said("bme", site="si_joint", side="both"), said("erosion", site="si_joint", side=None))

    assert outline(lesions) == {
        ("si_joint", None, MRI): {"erosion": (PRESENT,)},
        ("si_joint", "left", MRI): {"bme": (PRESENT,)},
        ("si_joint", "right", MRI): {"bme": (PRESENT,)},
    }


def test_a_finding_without_side_does_not_join_a_side_of_another_study() -> None:
    lesions = lesions_of(
        said("bme", site="si_joint", side="left", study="first"), said("erosion", site="si_joint", study="second")
    )

    assert outline(lesions) == {
        ("si_joint", None, "second"): {"erosion": (PRESENT,)},
        ("si_joint", "left", "first"): {"bme": (PRESENT,)},
    }


def test_findings_without_any_side_are_one_lesion_without_side() -> None:
    lesions = lesions_of(said("bme", site="foot_ankle"), said("effusion", site="foot_ankle"))

    assert outline(lesions) == {("foot_ankle", None, MRI): {"bme": (PRESENT,), "effusion": (PRESENT,)}}


# Sites


def test_the_hip_is_one_lesion_whose_sites_are_those_that_show_edema() -> None:
    lesion = only(
        lesions_of(
            said("bme", site="femoral_neck", side="left"),
            said("rim_sign", site="femoral_head", side="left"),
            said("effusion", site="hip", side="left"),
        )
    )

    assert (lesion.group, lesion.sites, sorted(lesion.findings)) == (
        "hip",
        {"femoral_neck"},
        ["bme", "effusion", "rim_sign"],
    )


def test_edema_of_the_head_and_none_of_the_neck_is_edema_and_no_conflict() -> None:
    lesion = only(
        lesions_of(said("bme", site="femoral_head", side="left"), said("bme", ABSENT, site="femoral_neck", side="left"))
    )

    assert (lesion.sites, lesion.findings["bme"].values) == ({"femoral_head"}, (PRESENT,))


def test_edema_of_the_head_and_none_of_the_whole_hip_is_a_conflict() -> None:
    coded = said("bme", site="femoral_head", side="left")
    written = said("bme", ABSENT, site="hip", side="left", trust=Trust.IMPRESSION_TEXT, quote="no edema of the hip")

    assert only(lesions_of(coded, written)).findings["bme"].values == (PRESENT, ABSENT)


def test_questionable_edema_counts_as_shown_for_the_place() -> None:
    lesion = only(lesions_of(said("bme", INDETERMINATE, site="femoral_neck"), said("effusion", site="femoral_head")))

    assert lesion.sites == {"femoral_neck"}


def test_without_edema_every_site_with_a_statement_counts() -> None:
    lesion = only(lesions_of(said("rim_sign", ABSENT, site="femoral_head"), said("bme", ABSENT, site="femoral_neck")))

    assert lesion.sites == {"femoral_head", "femoral_neck"}


def test_a_site_that_is_named_leaves_nothing_open_of_its_region() -> None:
    lesion = only(lesions_of(said("bme", site="femoral_head", side="left"), said("bme", site="hip", side="left")))

    assert (lesion.sites, lesion.possible_sites) == (frozenset({"femoral_head"}), frozenset())


def test_a_region_leaves_open_which_of_its_sites_is_meant() -> None:
    lesion = only(lesions_of(said("bme", site="hip", side="left")))

    assert (lesion.group, lesion.sites, lesion.possible_sites) == ("hip", frozenset(), frozenset(HIP_SITES))


def test_a_finding_of_no_known_site_is_a_lesion_without_site() -> None:
    lesion = only(lesions_of(said("bme", site=None)))

    assert (lesion.group, lesion.sites, lesion.possible_sites) == ("", frozenset(), frozenset())


@pytest.mark.parametrize("fact", ["effusion", "synovitis", "rim_sign"])
@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("medial_femoral_condyle", "knee_other"),
        ("knee_other", "medial_femoral_condyle"),
        ("knee", "medial_femoral_condyle"),
    ],
)
def test_the_lesions_of_one_knee_share_what_belongs_to_the_joint(fact: str, there: str, here: str) -> None:
    lesions = lesions_of(said("bme", site=here, side="left"), said(fact, site=there, side="left"))

    assert outline(lesions) == {
        (here, "left", MRI): {"bme": (PRESENT,), fact: (PRESENT,)},
        (there, "left", MRI): {fact: (PRESENT,)},
    }


def test_the_lesions_of_one_knee_share_the_perfusion_pattern() -> None:
    lesions = lesions_of(
        said("bme", site="knee_other", side="left"),
        said("dce_pattern", "other", site="medial_femoral_condyle", side="left"),
    )

    assert [one.findings["dce_pattern"].values for one in lesions] == [("other",), ("other",)]


@pytest.mark.parametrize("fact", ["bme", "erosion", "subchondral_fracture_line"])
def test_the_lesions_of_one_knee_share_nothing_else(fact: str) -> None:
    lesions = lesions_of(
        said("sclerosis", site="medial_femoral_condyle", side="left"), said(fact, site="knee_other", side="left")
    )

    assert outline(lesions) == {
        ("knee_other", "left", MRI): {fact: (PRESENT,)},
        ("medial_femoral_condyle", "left", MRI): {"sclerosis": (PRESENT,)},
    }


def test_the_other_knee_shares_nothing() -> None:
    lesions = lesions_of(
        said("bme", site="medial_femoral_condyle", side="left"), said("effusion", site="knee_other", side="right")
    )

    assert outline(lesions) == {
        ("knee_other", "right", MRI): {"effusion": (PRESENT,)},
        ("medial_femoral_condyle", "left", MRI): {"bme": (PRESENT,)},
    }


def test_a_hip_shares_nothing_with_a_knee() -> None:
    lesions = lesions_of(
        said("effusion", site="femoral_head", side="left"), said("bme", site="knee_other", side="left")
    )

    assert [sorted(one.findings) for one in lesions] == [["effusion"], ["bme"]]


def test_a_lesion_of_the_other_knee_hides_none_of_this_one() -> None:
    lesions = lesions_of(
        said("bme", site="knee_other", side="left"),
        said("effusion", site="knee_other", side="right"),
        said("bme", site="medial_femoral_condyle", side="right"),
    )

    assert outline(lesions)["medial_femoral_condyle", "right", MRI] == {"bme": (PRESENT,), "effusion": (PRESENT,)}


def test_what_a_knee_lesion_states_itself_is_not_replaced_by_what_its_joint_shares() -> None:
    lesions = lesions_of(
        said("effusion", ABSENT, site="medial_femoral_condyle", side="left"),
        said("effusion", site="knee_other", side="left"),
    )

    assert outline(lesions) == {
        ("knee_other", "left", MRI): {"effusion": (PRESENT,)},
        ("medial_femoral_condyle", "left", MRI): {"effusion": (ABSENT,)},
    }


def test_an_older_study_of_the_knee_shares_nothing_with_a_newer_one() -> None:
    lesions = lesions_of(
        said("bme", site="medial_femoral_condyle", side="left", study="new"),
        said("effusion", site="knee_other", side="left", study="old"),
        studies=(OLD, NEW),
    )

    assert outline(lesions)[("medial_femoral_condyle", "left", "new")] == {"bme": (PRESENT,)}


# Studies


def test_of_two_studies_the_newer_one_is_assessed() -> None:
    lesions = lesions_of(said("bme", study="old"), said("bme", ABSENT, study="new"), studies=(OLD, NEW))

    assert outline(lesions) == {("si_joint", "left", "new"): {"bme": (ABSENT,)}}
    assert only(lesions).study.date == "2026-01-10"


def test_each_side_and_site_keeps_its_own_newest_study() -> None:
    lesions = lesions_of(
        said("bme", site="si_joint", side="left", study="old"),
        said("bme", site="si_joint", side="right", study="old"),
        said("bme", site="si_joint", side="right", study="new"),
        said("bme", site="foot_ankle", side="left", study="old"),
        studies=(OLD, NEW),
    )

    assert sorted(outline(lesions)) == [
        ("foot_ankle", "left", "old"),
        ("si_joint", "left", "old"),
        ("si_joint", "right", "new"),
    ]


def test_of_two_studies_of_one_day_the_one_reported_later_is_assessed() -> None:
    first = Study("first", "2026-01-10", issued="2026-01-10")
    second = Study("second", "2026-01-10", issued="2026-01-12")

    lesions = lesions_of(said("bme", study="first"), said("bme", ABSENT, study="second"), studies=(first, second))

    assert outline(lesions) == {("si_joint", "left", "second"): {"bme": (ABSENT,)}}


def test_studies_that_cannot_be_told_apart_by_date_are_both_kept() -> None:
    lesions = lesions_of(said("bme", study="one"), said("bme", ABSENT, study="other"))

    assert outline(lesions) == {
        ("si_joint", "left", "one"): {"bme": (PRESENT,)},
        ("si_joint", "left", "other"): {"bme": (ABSENT,)},
    }


def test_a_newer_study_without_side_replaces_an_older_one_with_side() -> None:
    lesions = lesions_of(
        said("bme", site="foot_ankle", side="left", study="old"),
        said("bme", ABSENT, site="foot_ankle", study="new"),
        studies=(OLD, NEW),
    )

    assert sorted(outline(lesions), key=str) == [("foot_ankle", None, "new")]


def test_a_new_study_in_which_nothing_was_read_never_replaces_one_with_findings() -> None:
    """An unreadable new report is no all-clear."""
    silent = Study("new", "2026-01-10", site="si_joint", side="left")

    lesions = lesions_of(said("bme", study="old"), studies=(OLD, silent))

    assert outline(lesions) == {("si_joint", "left", "old"): {"bme": (PRESENT,)}, ("si_joint", "left", "new"): {}}


@pytest.mark.parametrize(("side", "kept"), [("left", "left"), ("right", "right"), (None, None), ("both", None)])
def test_a_study_whose_site_is_known_makes_a_lesion_without_any_finding(side: str | None, kept: str | None) -> None:
    lesion = only(lesions_of(studies=(Study(MRI, site="si_joint", side=side),)))

    assert (lesion.group, lesion.side, lesion.sites, dict(lesion.findings)) == ("si_joint", kept, {"si_joint"}, {})


def test_a_study_adds_no_empty_lesion_where_its_findings_name_the_side() -> None:
    lesions = lesions_of(said("bme"), studies=(Study(MRI, site="si_joint"),))

    assert outline(lesions) == {("si_joint", "left", MRI): {"bme": (PRESENT,)}}


def test_a_study_is_noticed_behind_one_whose_findings_name_the_side() -> None:
    spoken_of, silent = Study(MRI, "2026-01-10", "si_joint"), Study("silent", "2026-01-10", "foot_ankle")

    assert outline(lesions_of(said("bme"), studies=(spoken_of, silent))) == {
        ("foot_ankle", None, "silent"): {},
        ("si_joint", "left", MRI): {"bme": (PRESENT,)},
    }


def test_a_study_of_an_unknown_place_without_findings_makes_no_lesion() -> None:
    assert lesions_of(studies=(Study(MRI),)) == ()


def test_a_statement_of_an_unlisted_study_has_a_study_without_date() -> None:
    assert only(lesions_of(said("bme"))).study == Study(MRI)


# Diagnoses and patient facts that concern a place


def known(**more: Any) -> Statement:
    """A Condition "axspa", recorded on a day, which counts as known when it is older than the study."""
    return said("axspa", earlier_fact="known.axspa", study="", **more)


@pytest.mark.parametrize(
    ("recorded", "joined_as"),
    [
        pytest.param("2026-01-09", "known.axspa", id="before the study"),
        pytest.param("2026-01-10", "axspa", id="on its day"),
        pytest.param("2026-02-01", "axspa", id="after it"),
        pytest.param("", "axspa", id="undated"),
    ],
)
def test_a_diagnosis_recorded_before_the_study_is_known_disease(recorded: str, joined_as: str) -> None:
    lesion = only(lesions_of(said("bme", study="new"), known(date=recorded), studies=(NEW,)))

    assert sorted(lesion.findings) == sorted(["bme", joined_as])


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"site": "si_joint", "side": "right"}, id="other side"),
        pytest.param({"site": "foot_ankle", "side": "left"}, id="other site"),
        pytest.param({"site": None, "side": "right"}, id="other side, no site"),
    ],
)
def test_a_diagnosis_of_another_place_does_not_count(place: Mapping[str, Any]) -> None:
    lesions = lesions_of(said("bme"), known(**place))

    assert outline(lesions) == {("si_joint", "left", MRI): {"bme": (PRESENT,)}}


@pytest.mark.parametrize("side", ["left", "both", None])
def test_a_diagnosis_of_this_side_of_both_or_of_no_side_counts(side: str | None) -> None:
    lesions = lesions_of(said("bme"), known(site="si_joint", side=side))

    assert outline(lesions) == {("si_joint", "left", MRI): {"axspa": (PRESENT,), "bme": (PRESENT,)}}


def test_a_diagnosis_never_makes_a_lesion() -> None:
    assert lesions_of(known()) == ()


def test_a_diagnosis_without_a_place_counts_only_when_there_is_one_lesion() -> None:
    one = lesions_of(said("bme"), known(site=None))
    two = lesions_of(said("bme"), said("bme", site="foot_ankle", side="left"), known(site=None))

    assert [sorted(lesion.findings) for lesion in (*one, *two)] == [["axspa", "bme"], ["bme"], ["bme"]]


def test_a_diagnosis_without_a_place_hides_none_behind_it() -> None:
    without = Statement("sif", PRESENT, earlier_fact="known.sif")
    with_place = Statement("axspa", PRESENT, site="si_joint", side="left", earlier_fact="known.axspa")

    lesions = lesions_of(said("bme", site="si_joint", side="both"), without, with_place)

    assert [sorted(one.findings) for one in lesions] == [["axspa", "bme"], ["bme"]]


def test_a_diagnosis_of_the_knee_concerns_each_lesion_of_that_knee() -> None:
    lesions = lesions_of(
        said("bme", site="medial_femoral_condyle", side="left"),
        said("bme", site="knee_other", side="right"),
        Statement("sif", PRESENT, site="knee", side="left", earlier_fact="known.sif"),
    )

    assert [(one.group, sorted(one.findings)) for one in lesions] == [
        ("knee_other", ["bme"]),
        ("medial_femoral_condyle", ["bme", "sif"]),
    ]


def test_a_diagnosis_that_the_report_denies_and_a_condition_names_is_a_conflict() -> None:
    lesion = only(
        lesions_of(
            said("osteomyelitis", ABSENT, trust=Trust.IMPRESSION_TEXT),
            said("osteomyelitis", earlier_fact="known.osteomyelitis", study=""),
        )
    )

    assert lesion.findings["osteomyelitis"].values == (PRESENT, ABSENT)


def test_pain_of_a_region_belongs_to_the_lesions_there() -> None:
    patient, lesions = sort(
        [
            said("bme", site="knee_other", side="left"),
            said("bme", site="si_joint", side="left"),
            Statement("acute_pain", PRESENT, site="knee"),
        ]
    )

    assert (dict(patient), [(one.group, sorted(one.findings)) for one in lesions]) == (
        {},
        [("knee_other", ["acute_pain", "bme"]), ("si_joint", ["bme"])],
    )


def test_pain_of_a_place_without_lesion_is_left_out() -> None:
    assert sort([Statement("acute_pain", PRESENT, site="knee")]) == ({}, ())


# Several statements of one fact


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        pytest.param([PRESENT, PRESENT], (PRESENT,), id="the same twice"),
        pytest.param([PRESENT, INDETERMINATE], (PRESENT,), id="indeterminate gives way to present"),
        pytest.param([ABSENT, INDETERMINATE], (INDETERMINATE,), id="indeterminate outweighs absent"),
        pytest.param([ABSENT, PRESENT, INDETERMINATE], (PRESENT, ABSENT), id="present and absent conflict"),
    ],
)
def test_statements_of_one_finding_are_brought_together(stated: list[State], kept: tuple[State, ...]) -> None:
    statements = [said("bme", state, reference=f"Observation/{number}") for number, state in enumerate(stated)]

    assert set(only(lesions_of(*statements)).findings["bme"].values) == set(kept)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        (["low", "low"], ("low",)),
        (["low", INDETERMINATE], ("low",)),
        ([INDETERMINATE], (INDETERMINATE,)),
        (["low", "normal"], ("low", "normal")),
    ],
)
def test_choices_that_differ_conflict_and_an_uncertain_one_gives_way(
    stated: list[Value], kept: tuple[Value, ...]
) -> None:
    statements = [said("t1_signal", value, reference=f"Observation/{n}") for n, value in enumerate(stated)]

    assert only(lesions_of(*statements)).findings["t1_signal"].values == kept


def test_a_conflict_keeps_every_value_with_its_source_most_trusted_first() -> None:
    text = said("bme", PRESENT, trust=Trust.IMPRESSION_TEXT, reference="DiagnosticReport/1", quote="marrow edema")
    coded = said("bme", ABSENT, trust=Trust.CODED, reference="Observation/1")

    found = only(lesions_of(text, coded)).findings["bme"]

    assert found == Finding("bme", (ABSENT, PRESENT), (coded.source, text.source))
    assert found.is_conflict


def test_coded_and_written_lengths_that_exclude_each_other_conflict() -> None:
    lesion = only(lesions_of(said("depth_mm", exact(8)), said("depth_mm", exact(12), trust=Trust.IMPRESSION_TEXT)))

    assert lesion.findings["depth_mm"].values == (exact(8), exact(12))


def test_a_written_length_that_agrees_with_the_coded_one_adds_nothing() -> None:
    about_eight = length_about_mm(8, "mm")

    lesion = only(lesions_of(said("depth_mm", exact(8)), said("depth_mm", about_eight, trust=Trust.FINDINGS_TEXT)))

    assert lesion.findings["depth_mm"].values == (exact(8),)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        pytest.param([exact(6), exact(12), exact(8)], exact(12), id="numbers"),
        pytest.param([exact(6), length_mm(10, "mm", ">")], length_mm(10, "mm", ">"), id="a number and a bound"),
        pytest.param([exact(12), length_mm(5, "mm", "<")], exact(12), id="a small upper bound"),
        pytest.param([length_between_mm(3, 4, "mm"), exact(2)], length_between_mm(3, 4, "mm"), id="ranges"),
        pytest.param([length_between_mm(7, 12, "mm"), exact(8)], length_between_mm(8, 12, "mm"), id="beyond a number"),
        pytest.param(
            [exact(8), length_mm(12, "mm", "<")], Range(Decimal(8), Decimal(12), high_open=True), id="below a bound"
        ),
        pytest.param([exact(8), length_mm(7, "mm", ">")], Range(Decimal(8), None), id="no end"),
        pytest.param([length_mm(8, "mm", ">"), exact(5)], length_mm(8, "mm", ">"), id="more than a number"),
        pytest.param([length_mm(5, "mm", "<"), length_mm(9, "mm", "<=")], length_mm(9, "mm", "<="), id="bounds only"),
        pytest.param([length_up_to_mm(10, "mm"), exact(5)], length_up_to_mm(10, "mm"), id="up to"),
        pytest.param(
            [length_up_to_mm(10, "mm"), length_between_mm(5, 12, "mm")],
            Range(Decimal(10), Decimal(12), low_open=True),
            id="up to, beside a range",
        ),
    ],
)
def test_of_several_lesions_of_one_joint_the_largest_depth_counts(stated: list[Value], kept: Value) -> None:
    statements = [said("depth_mm", value, reference=f"Observation/{n}") for n, value in enumerate(stated)]

    assert only(lesions_of(*statements)).findings["depth_mm"].values == (kept,)


@pytest.mark.parametrize(
    "longer",
    [
        pytest.param(length_between_mm(7, 12, "mm"), id="7-12 mm"),
        pytest.param(length_about_mm(9, "mm"), id="about 9 mm"),
        pytest.param(length_mm(7, "mm", ">"), id="> 7 mm"),
    ],
)
def test_a_depth_that_may_reach_one_centimetre_is_not_hidden_by_a_shorter_one(longer: Value) -> None:
    """Of two lesions 8 mm and "7-12 mm" deep the largest depth is not known to stay below 10 mm."""
    lesion = only(lesions_of(said("depth_mm", exact(8), reference="a"), said("depth_mm", longer, reference="b")))

    assert any(value != exact(8) for value in lesion.findings["depth_mm"].values)


def test_a_measured_depth_is_not_hidden_by_an_upper_bound() -> None:
    at_most = length_mm(20, "mm", "<=")

    lesion = only(lesions_of(said("depth_mm", exact(12), reference="a"), said("depth_mm", at_most, reference="b")))

    assert [value.reaches(Decimal(12)) for value in lesion.findings["depth_mm"].values] == [Truth.YES]


@pytest.mark.parametrize(
    ("coded", "written", "agree"),
    [
        pytest.param(exact(12), length_between_mm(12, 15, "mm"), True, id="at the lower end"),
        pytest.param(length_between_mm(12, 15, "mm"), exact(15), True, id="at the upper end"),
        pytest.param(length_between_mm(10, 12, "mm"), exact(10), True, id="at the lower end of what is coded"),
        pytest.param(exact(12), length_between_mm(13, 15, "mm"), False, id="below"),
        pytest.param(exact(16), length_between_mm(13, 15, "mm"), False, id="above"),
        pytest.param(exact(8), length_mm(7, "mm", ">"), True, id="above a bound"),
        pytest.param(exact(8), length_mm(9, "mm", ">="), False, id="not above a bound"),
        pytest.param(exact(8), length_mm(7, "mm", "<="), False, id="not below a bound"),
        pytest.param(length_mm(9, "mm", ">="), exact(8), False, id="a coded bound that is not reached"),
    ],
)
def test_a_coded_and_a_written_depth_conflict_only_if_they_exclude_each_other(
    coded: Value, written: Value, agree: bool
) -> None:
    lesion = only(lesions_of(said("depth_mm", coded), said("depth_mm", written, trust=Trust.FINDINGS_TEXT)))

    assert lesion.findings["depth_mm"].values == ((coded,) if agree else (coded, written))


def test_a_depth_that_is_uncertain_everywhere_is_uncertain_once_from_the_most_trusted_place() -> None:
    lesion = only(
        lesions_of(
            said("depth_mm", INDETERMINATE, reference="b", trust=Trust.FINDINGS_TEXT),
            said("depth_mm", INDETERMINATE, reference="a", trust=Trust.FINDINGS_TEXT),
            said("depth_mm", INDETERMINATE, reference="c"),
        )
    )

    found = lesion.findings["depth_mm"]
    assert (found.values, [source.reference for source in found.sources]) == ((INDETERMINATE,), ["c"])


def test_an_uncertain_coded_depth_gives_way_to_a_measured_one() -> None:
    lesion = only(lesions_of(said("depth_mm", INDETERMINATE), said("depth_mm", exact(12), trust=Trust.IMPRESSION_TEXT)))

    assert lesion.findings["depth_mm"].values == (exact(12),)


# The order in which the record arrives

SAID = [
    said("bme"),
    said("bme", ABSENT, trust=Trust.IMPRESSION_TEXT, quote="no edema"),
    said("erosion", INDETERMINATE, site="si_joint", side=None),
    said("depth_mm", exact(8)),
    said("depth_mm", length_between_mm(8, 12, "mm"), reference="Observation/2"),
    said("depth_mm", exact(12), trust=Trust.FINDINGS_TEXT),
    said("effusion", site="knee", side="left"),
    said("bme", site="medial_femoral_condyle", side="left"),
    said("t1_signal", "low", site="hip", side="both", study="old"),
    said("t1_signal", "normal", site="femoral_head", side="right", study="new"),
    said("bme", site=None),
    known(date="2025-06-01"),
    Statement("acute_pain", PRESENT, site="knee", side="left"),
    Statement("seq.t1", "acquired", study="new"),
    Statement("seq.t1", "not_acquired", study="new"),
    Statement("age", exact(50)),
]


@settings(derandomize=True, max_examples=60)
@given(st.permutations(SAID), st.permutations([OLD, NEW, Study("silent", "2026-03-01", site="vertebra")]))
def test_the_order_of_statements_and_studies_never_matters(said_so: list[Statement], studies: list[Study]) -> None:
    assert sort(said_so, *studies) == sort(SAID, OLD, NEW, Study("silent", "2026-03-01", site="vertebra"))


# What is known at the place of a draft order


PAIN = said("acute_pain", site="knee", side="left")


@pytest.mark.parametrize(
    ("statement", "draft", "known"),
    [
        pytest.param(PAIN, Draft("a", group="knee_other", side="left"), True, id="same joint and side"),
        pytest.param(PAIN, Draft("a", group="knee_other"), True, id="order without side"),
        pytest.param(PAIN, Draft("a", group="knee_other", side="both"), True, id="order of both sides"),
        pytest.param(replace(PAIN, side=None), Draft("a", group="knee_other", side="right"), True, id="pain, no side"),
        pytest.param(PAIN, Draft("a", group="knee_other", side="right"), False, id="other side"),
        pytest.param(PAIN, Draft("a", group="hip", side="left"), False, id="other joint"),
        pytest.param(PAIN, Draft("a"), False, id="order without place"),
        pytest.param(replace(PAIN, site=None), Draft("a", group="knee_other"), False, id="pain without place"),
        pytest.param(
            said("bme", site="knee", side="left"), Draft("a", group="knee_other"), False, id="no patient fact"
        ),
        pytest.param(said("hunger", site="knee", side="left"), Draft("a", group="knee_other"), False, id="not a fact"),
    ],
)
def test_a_draft_knows_what_is_stated_of_the_patient_at_its_place(
    statement: Statement, draft: Draft, known: bool
) -> None:
    found = with_context(draft, [statement], FACTS, SITES)

    expected = {statement.fact: Finding(statement.fact, (PRESENT,), (statement.source,))} if known else {}
    assert found == replace(draft, findings=expected)


def test_what_a_draft_states_itself_stays_beside_what_is_known_at_its_place() -> None:
    kind = Finding("order.kind", ("radiograph",), (Provenance("a"),))

    found = with_context(Draft("a", group="knee_other", findings={"order.kind": kind}), [PAIN], FACTS, SITES)

    assert sorted(found.findings) == ["acute_pain", "order.kind"]


# Which lesions a draft order is about


@pytest.mark.parametrize(
    ("draft", "about_it"),
    [
        pytest.param(Draft("ServiceRequest/1", group="knee_other", side="left"), True, id="same place"),
        pytest.param(Draft("ServiceRequest/1", group="knee"), True, id="same joint, no side"),
        pytest.param(Draft("ServiceRequest/1", group="knee", side="both"), True, id="both sides"),
        pytest.param(Draft("ServiceRequest/1", group="knee", side="right"), False, id="other side"),
        pytest.param(Draft("ServiceRequest/1", group="hip", side="left"), False, id="other joint"),
        pytest.param(Draft("ServiceRequest/1"), False, id="no place"),
    ],
)
def test_a_draft_is_about_the_lesions_of_its_joint_and_side(draft: Draft, about_it: bool) -> None:
    lesion = only(lesions_of(said("bme", site="knee_other", side="left")))

    assert concerns(draft, lesion, SITES) is about_it
