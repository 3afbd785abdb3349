"""What the reader of report texts takes from a sentence, and what it must not take."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.narrative import LONGEST_QUOTE, LONGEST_TEXT, Section, TextReading, TextStatement, read_text
from cds_service.knowledge import phrases as known
from cds_service.knowledge.facts import FACTS
from cds_service.knowledge.phrases import Anchor, Cue, Kind, Wording
from cds_service.knowledge.sites import SITES
from cds_service.model.finding import State, Trust
from cds_service.model.quantity import Range

PRESENT, ABSENT, INDETERMINATE = State.PRESENT, State.ABSENT, State.INDETERMINATE


def said(text: str, **how: object) -> dict[str, list[str]]:
    """Return what a text says of each fact, every value once, in the order of the text."""
    values: dict[str, list[str]] = {}
    for statement in read_text(text, **how).statements:  # type: ignore[arg-type]  # names of its own parameters
        known_values = values.setdefault(statement.fact, [])
        if str(statement.value) not in known_values:
            known_values.append(str(statement.value))
    return values


def one(text: str, **how: object) -> dict[str, str]:
    """Return what a text says of each fact; a fact that is said to be two things is shown as both."""
    return {fact: " and ".join(values) for fact, values in said(text, **how).items()}


def placed(text: str, **how: object) -> list[str]:
    """Return the statements of a text as "fact value site side"."""
    statements = read_text(text, **how).statements  # type: ignore[arg-type]  # names of its own parameters
    return [f"{s.fact} {s.value} {s.site or '-'} {s.side or '-'}" for s in statements]


def depth(text: str) -> list[str]:
    return [str(s.value) for s in read_text(text).statements if s.fact == "depth_mm"]


# --- Phrases (field mapping 6.1) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Bone marrow edema in the left calcaneus.",
        "There is bone marrow oedema.",
        "Bone marrow oedema-like signal is present.",
        "Marrow edema-like signal.",
        "Edema-like marrow signal intensity.",
        "BME of the sacrum.",
        "BMO of the sacrum.",
        "Bone marrow lesion in the tibia.",
        "STIR hyperintense marrow.",
        "T2-hyperintense bone marrow signal.",
        "Increased STIR signal in the bone.",
        "Increased T2 signal in the marrow.",
        "Increased fluid-sensitive signal in the ilium.",
        "High marrow signal on STIR.",
        "STIR/T2 hyperintensity of the calcaneus.",
        "Patchy subchondral edema.",
        "Marked ill-defined subchondral bone marrow edema.",
        "The iliac bone shows edema.",
        "Edema in the left femoral head.",
        "Bone marrow and adjacent soft tissue edema.",
    ],
)
def test_bone_marrow_edema_is_recognised(text: str):
    assert one(text) == {"bme": PRESENT}


@pytest.mark.parametrize(
    "text",
    [
        "Soft tissue edema.",
        "Subcutaneous oedema over the dorsum of the foot.",
        "Edema of the plantar muscles.",
        "Muscle edema in the calf.",
        "Fibular edema.",
        "Edema of the adjacent soft tissues around the calcaneus.",
        "Hoffa fat pad edema.",
        "Soft tissues: Mild edema.",
        "Increased T2 signal in the Achilles tendon.",
        "T2 hyperintense cyst.",
        "There is edema.",
        "Spinal cord edema.",
    ],
)
def test_edema_elsewhere_is_no_bone_marrow_edema(text: str):
    assert "bme" not in one(text)


def test_bare_edema_counts_where_the_sentence_before_was_about_bone():
    assert placed("The left ilium is abnormal. There is edema.") == ["bme present si_joint left"]
    assert placed("The muscles are abnormal. There is edema.") == []


def test_bare_edema_counts_in_a_study_of_a_bony_joint_only():
    assert one("Mild edema.", default_site="si_joint") == {"bme": PRESENT}
    assert one("Mild edema.", default_site="foot_ankle") == {}


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("T1 hypointense signal.", "t1_signal", "low"),
        ("Low T1 signal.", "t1_signal", "low"),
        ("Decreased T1 signal of the marrow.", "t1_signal", "low"),
        ("The calcaneus is dark on T1-weighted images.", "t1_signal", "low"),
        ("T1-dark marrow.", "t1_signal", "low"),
        ("Confluent low T1 signal.", "t1_signal", "low"),
        ("Hypointensity on T1.", "t1_signal", "low"),
        ("Loss of the normal T1 fatty marrow signal.", "t1_signal", "low"),
        ("Preserved T1 marrow signal.", "t1_signal", "normal"),
        ("T1 signal is normal.", "t1_signal", "normal"),
        ("No corresponding T1 signal abnormality.", "t1_signal", "normal"),
        ("Variable T1 signal.", "t1_signal", "variable"),
        ("High T1 signal in the bone.", "t1_signal", "high"),
        ("Intermediate T1 marrow signal.", "t1_signal", INDETERMINATE),
        ("Possible low T1 signal.", "t1_signal", INDETERMINATE),
        ("Erosions.", "erosion", PRESENT),
        ("Erosive changes.", "erosion", PRESENT),
        ("Cortical breaking.", "erosion", PRESENT),
        ("Loss of subchondral cortical margin.", "erosion", PRESENT),
        ("Non-erosive change.", "erosion", ABSENT),
        ("Fat metaplasia.", "fatty_lesion", PRESENT),
        ("Fatty deposition.", "fatty_lesion", PRESENT),
        ("Fat lesion.", "fatty_lesion", PRESENT),
        ("Fatty replacement.", "fatty_lesion", PRESENT),
        ("Fatty marrow change.", "fatty_lesion", PRESENT),
        ("Sclerosis.", "sclerosis", PRESENT),
        ("Subchondral sclerosis.", "sclerosis", PRESENT),
        ("Ice-floe appearance.", "sclerosis", PRESENT),
        ("Ankylosis.", "ankylosis", PRESENT),
        ("Bony bridging.", "ankylosis", PRESENT),
        ("Fusion of the joint.", "ankylosis", PRESENT),
        ("Bone bud.", "ankylosis", PRESENT),
        ("T1 hyperintense signal in the joint space.", "ia_t1_hyperintensity", PRESENT),
        ("Intra-articular T1 hyperintensity.", "ia_t1_hyperintensity", PRESENT),
        ("T2 hyperintense joint fluid.", "t2_joint_fluid", PRESENT),
        ("T2-hyperintense fluid.", "t2_joint_fluid", PRESENT),
        ("Fluid signal in the joint space.", "t2_joint_fluid", PRESENT),
        ("Synovitis.", "synovitis", PRESENT),
        ("Synovial thickening.", "synovitis", PRESENT),
        ("Synovial enhancement.", "synovitis", PRESENT),
        ("Pannus.", "synovitis", PRESENT),
        ("Joint effusion.", "effusion", PRESENT),
        ("Hydrarthrosis.", "effusion", PRESENT),
        ("Capsular distension.", "effusion", PRESENT),
        ("Physiologic joint effusion.", "effusion", INDETERMINATE),
        ("Double-line sign.", "rim_sign", PRESENT),
        ("Serpiginous low-signal line.", "rim_sign", PRESENT),
        ("Low-signal rim.", "rim_sign", PRESENT),
        ("Geographic lesion.", "rim_sign", PRESENT),
        ("Ring-like lesion.", "rim_sign", PRESENT),
        ("Necrotic focus.", "rim_sign", PRESENT),
        ("Rim of increased perfusion.", "dce_pattern", "rim_high_flow_no_flow_core"),
        ("Rim of plasma flow with no flow in the centre.", "dce_pattern", "rim_high_flow_no_flow_core"),
        ("No flow centre.", "dce_pattern", "rim_high_flow_no_flow_core"),
        ("Subchondral hyperperfusion.", "dce_pattern", "subchondral_hyperperfusion"),
        ("Decreased maximal enhancement.", "dce_pattern", "decreased_max_enhancement"),
        ("Subchondral fracture line.", "subchondral_fracture_line", PRESENT),
        ("Subchondral lucency.", "subchondral_fracture_line", PRESENT),
        ("Subchondral low-signal line.", "subchondral_fracture_line", PRESENT),
        ("Diffuse heterogeneous marrow signal abnormality.", "diffuse_marrow_signal", PRESENT),
        ("Marrow infiltration.", "diffuse_marrow_signal", PRESENT),
        ("Marrow replacement.", "diffuse_marrow_signal", PRESENT),
        ("Reconversion pattern.", "diffuse_marrow_signal", PRESENT),
        ("Osteomyelitis.", "osteomyelitis", PRESENT),
        ("Infection not excluded.", "osteomyelitis", INDETERMINATE),
        ("Osteonecrosis.", "osteonecrosis", PRESENT),
        ("Avascular necrosis.", "osteonecrosis", PRESENT),
        ("AVN.", "osteonecrosis", PRESENT),
        ("Transient osteoporosis.", "tbmes", PRESENT),
        ("Bone marrow oedema syndrome.", "tbmes", PRESENT),
        ("Transient bone marrow edema.", "tbmes", PRESENT),
        ("Subchondral insufficiency fracture.", "sif", PRESENT),
        ("SONK.", "sif", PRESENT),
        ("Spontaneous osteonecrosis of the knee.", "sif", PRESENT),
        ("Sacroiliitis.", "axspa", PRESENT),
        ("Charcot foot.", "charcot", PRESENT),
        ("Neuropathic arthropathy.", "charcot", PRESENT),
        ("Metastasis.", "malignancy", PRESENT),
        ("Multiple myeloma.", "malignancy", PRESENT),
        ("Lymphoma.", "malignancy", PRESENT),
        ("Septic arthritis.", "septic_arthritis", PRESENT),
        ("Abscess.", "septic_arthritis", PRESENT),
        ("Stress fracture.", "stress_fracture", PRESENT),
    ],
)
def test_a_phrase_states_its_fact_and_no_other(text: str, fact: str, value: str):
    assert one(text) == {fact: value}


@pytest.mark.parametrize(
    "text",
    [
        "Diffuse edema of the femoral head and neck.",
        "Diffuse bone marrow edema involving the femoral head and neck.",
        "Diffuse marrow edema of the femoral head extending into the neck.",
        "Edema throughout the entire femoral head and neck.",
    ],
)
def test_diffuse_edema_of_head_and_neck_is_edema_as_well(text: str):
    assert one(text) == {"diffuse_edema_head_neck": PRESENT, "bme": PRESENT}
    assert {statement.site for statement in read_text(text).statements} <= {"femoral_head_and_neck", "femoral_head"}


def test_a_diffuse_marrow_change_found_by_chance_belongs_to_the_marrow_as_a_whole():
    text = "Diffuse marrow signal abnormality of the lumbar spine, an incidental finding."

    assert placed(text) == [
        "diffuse_marrow_signal present diffuse_marrow -",
        "incidental present diffuse_marrow -",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Incidental Tarlov cyst.",
        "Backfill in the left SI joint.",
        "Multiple sclerosis.",
        "Charcot-Marie-Tooth disease.",
        "Pleural effusion.",
        "Fatty infiltration of the gluteal muscles.",
        "Chondral erosion.",
        "Tenosynovitis.",
        "No infection.",
        "Soft tissue infection cannot be excluded.",
        "No suspicious bone marrow lesion.",
        "Normal SI joint space.",
        "The femoral heads are normal in contour.",
        "Small physiologic fluid signal in the joint.",
        "Acetabular rim.",
    ],
)
def test_a_look_alike_states_nothing(text: str):
    assert one(text) == {}


def test_backfill_is_an_erosion_cavity_and_no_fat_lesion():
    assert one("Fat metaplasia in an erosion cavity (backfill).") == {"erosion": PRESENT}
    assert one("Fatty backfill and fat metaplasia of the sacrum.") == {"fatty_lesion": PRESENT}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Joint effusion.", {"effusion"}),
        ("T2-hyperintense joint fluid.", {"t2_joint_fluid"}),
        ("T2-hyperintense joint fluid and effusion.", {"t2_joint_fluid", "effusion"}),
        ("Bone marrow edema syndrome.", {"tbmes"}),
        ("Avascular necrosis.", {"osteonecrosis"}),
        ("Ankylosing spondylitis.", {"axspa"}),
        ("Subchondral insufficiency fracture.", {"sif"}),
        ("No bone marrow edema syndrome.", {"tbmes"}),
    ],
)
def test_fluid_and_diagnoses_are_kept_apart_from_findings(text: str, facts: set[str]):
    assert set(one(text)) == facts


# --- The phrase book as a whole -------------------------------------------------------------------------------------


def wordings_of(phrase: str) -> Iterator[str]:
    """Return a phrase as text, once for each of its alternatives."""
    groups = re.findall(r"\(([^()]*)\)", phrase)
    for group in groups:
        for choice in group.split("|"):
            yield shortest(phrase.replace(f"({group})", f"({choice})", 1))
    if not groups:
        yield shortest(phrase)


def shortest(phrase: str) -> str:
    phrase = re.sub(r"\[[^\]]*\]|\.{3,4}", " ", phrase)
    phrase = re.sub(r"\(([^|()]*)[^()]*\)", r"\1", phrase)
    return " ".join(phrase.replace("<n>", "3").replace("*", "").replace("$", "").replace("~", "").split())


def completed(wording: Wording, text: str) -> str:
    """Return a text with what must stand near the phrase for it to count."""
    if wording.anchor is Anchor.BONE:
        text += " of the bone"
    if wording.anchor is Anchor.MARROW:
        text += " marrow finding"
    if wording.only == {INDETERMINATE}:
        text = f"possible {text}"
    if wording.only == {ABSENT}:
        text = f"no {text}"
    return text + " the left hip" if text.endswith(" of") else text


ALL_IMAGING = (*known.IMAGING, *known.NORMAL_STRUCTURES, *known.DIAGNOSES)
PHRASES = [
    pytest.param(wording, phrase, id=f"{wording.fact}: {phrase[:60]}")
    for wording in (*ALL_IMAGING, *known.CONTEXT)
    for phrase in wording.phrases
]


@pytest.mark.parametrize(("wording", "phrase"), PHRASES)
def test_every_phrase_of_the_book_is_found(wording: Wording, phrase: str):
    section = Section.INDICATION if wording.kind is Kind.CONTEXT else Section.UNTITLED
    expected = next(iter(wording.only)) if len(wording.only) == 1 else wording.value

    for text in wordings_of(phrase):
        read = one(completed(wording, text), section=section)

        assert read.get(wording.fact) == expected, text


@pytest.mark.parametrize(
    ("cue", "frame", "expected"),
    [
        (Cue.DENIES, "{} erosion", ABSENT),
        (Cue.HALF_DENIES, "{} erosion", INDETERMINATE),
        (Cue.LIMITS, "{} erosion", None),
        (Cue.LIMITS_DIAGNOSIS, "{} osteomyelitis", None),
        (Cue.ENDED, "{} erosion", ABSENT),
        (Cue.KEEPS, "{} erosion", PRESENT),
        (Cue.KEPT, "erosion {}", PRESENT),
        (Cue.DOUBTS, "{} erosion", INDETERMINATE),
        (Cue.DOUBTS, "{} osteomyelitis", INDETERMINATE),
        (Cue.DOUBTED, "osteomyelitis {}", INDETERMINATE),
        (Cue.SUGGESTS, "{} osteomyelitis", INDETERMINATE),
        (Cue.ASSERTS, "{} osteomyelitis", PRESENT),
        (Cue.DENIED, "erosion {}", ABSENT),
        (Cue.HAS_ENDED, "erosion {}", ABSENT),
        (Cue.UNJUDGED, "erosion {}", None),
        (Cue.STATED, "erosion {}", PRESENT),
    ],
    ids=lambda value: value.name if isinstance(value, Cue) else None,
)
def test_every_phrase_of_certainty_does_what_its_kind_says(cue: Cue, frame: str, expected: str | None):
    fact = "osteomyelitis" if "osteomyelitis" in frame else "erosion"

    for phrase in known.CUES[cue]:
        for text in wordings_of(phrase):
            assert one(frame.format(text)).get(fact) == expected, text


@pytest.mark.parametrize("place", known.PLACES, ids=lambda place: f"{place.site}: {place.phrases[0]}")
def test_every_place_is_found(place: known.Place):
    for phrase in place.phrases:
        for text in wordings_of(phrase):
            sites = {s.site for s in read_text(f"bone marrow edema in the {text}").statements if s.fact == "bme"}

            assert place.site in sites, text


@pytest.mark.parametrize(
    ("value", "phrase", "frame"),
    [
        pytest.param(value, phrase, frame, id=f"{value}: {phrase[:60]}")
        for table, frame in ((known.CHANGE_BEFORE, "{} erosion"), (known.CHANGE_AFTER, "erosion {}"))
        for value, phrases in table.items()
        for phrase in phrases
    ],
)
def test_every_phrase_of_change_is_found(value: str, phrase: str, frame: str):
    for text in wordings_of(phrase):
        assert one(frame.format(text)).get("change") == value, text


def test_facts_choices_and_sites_are_those_of_the_decision_table():
    for wording in (*ALL_IMAGING, *known.CONTEXT):
        fact = FACTS[wording.fact]
        assert isinstance(wording.value, State) or wording.value in fact.choices
    assert {*known.CHANGE_BEFORE, *known.CHANGE_AFTER} <= set(FACTS["change"].choices)
    sites = {*(place.site for place in known.PLACES), *known.REGION_OF, *known.BONE_WITHOUT_SAYING}
    assert sites <= set(SITES.group_of)


def test_a_word_with_any_ending_has_three_letters_at_least():
    everything = " ".join(
        phrase
        for group in (
            *(wording.phrases for wording in (*ALL_IMAGING, *known.CONTEXT)),
            *(not_meant.phrases for not_meant in known.NOT_MEANT),
            *(place.phrases for place in known.PLACES),
            *known.CUES.values(),
            *known.SIDES.values(),
        )
        for phrase in group
    )

    assert [word for word in re.findall(r"\w+\*", everything) if len(word) < 4] == []


# --- Negation (6.2, 6.3) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "No erosion.",
        "No evidence of erosion.",
        "Left ilium without erosion.",
        "Without evidence of erosion.",
        "Absence of erosion.",
        "The joint is free of erosion.",
        "Negative for erosion.",
        "Erosion is not seen.",
        "Erosions are not identified.",
        "Erosions: none.",
        "Erosion: no.",
        "Erosion - absent.",
        "Neither sclerosis nor erosion.",
        "Erosion resolved.",
        "The erosion has resolved.",
        "Erosion is no longer seen.",
        "Erosion was ruled out.",
        "Erosion has been excluded.",
        "None of the joints shows erosion.",
        "The SI joints do not show erosion.",
        "Neither SI joint shows erosion.",
        "Erosion cannot be seen.",
        "No erosions have been identified.",
        "NO EVIDENCE OF EROSION.",
        "W/o erosion.",
        "Nor is there erosion.",
    ],
)
def test_a_denied_finding_is_absent(text: str):
    assert one(text)["erosion"] == ABSENT


@pytest.mark.parametrize(
    "text",
    [
        "The SI joints are unremarkable.",
        "The left sacroiliac joint is normal.",
        "Normal sacroiliac joints.",
        "Normal bone marrow signal.",
        "Bone marrow signal is within normal limits.",
        "No marrow signal abnormality.",
        "The femoral heads appear unremarkable.",
        "Osseous structures are unremarkable.",
        "Normal MRI of the left hip.",
        "Right SI joint: normal.",
    ],
)
def test_a_normal_structure_has_no_bone_marrow_edema_and_no_more_is_said(text: str):
    assert one(text) == {"bme": ABSENT}


@pytest.mark.parametrize(
    "text",
    [
        "The SI joints are otherwise normal.",
        "The remaining bones are normal in signal; the SI joints are normal.",
        "The SI joints are normal except for the left.",
        "The marrow signal is not normal.",
        "The SI joints are not unremarkable.",
        "Loss of the normal bone marrow signal.",
        "Otherwise no bone marrow edema.",
        "No bone marrow edema elsewhere.",
        "No other bone marrow edema.",
    ],
)
def test_what_is_normal_apart_from_something_is_not_absent(text: str):
    assert "bme" not in one(text)


@pytest.mark.parametrize(
    "text",
    [
        "No definite erosion.",
        "No convincing erosion.",
        "No definite evidence of erosion.",
        "No definite sign of erosion.",
        "No clear erosion.",
        "No significant erosion.",
        "No large erosion.",
        "Probably no erosion.",
        "Erosion is not definitely seen.",
        "Not without erosion.",
        "No erosion exceeding 2 mm.",
    ],
)
def test_a_half_hearted_denial_is_indeterminate(text: str):
    assert one(text)["erosion"] == INDETERMINATE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "No erosion, sclerosis or ankylosis.",
            {"erosion": ABSENT, "sclerosis": ABSENT, "ankylosis": ABSENT},
            id="a list after the denial",
        ),
        pytest.param(
            "Erosions, sclerosis and ankylosis are not seen.",
            {"erosion": ABSENT, "sclerosis": ABSENT, "ankylosis": ABSENT},
            id="a list before the denial",
        ),
        pytest.param(
            "No fracture, dislocation, ligament tear, or bone marrow edema.",
            {"bme": ABSENT},
            id="a list with other things in it",
        ),
        pytest.param("No erosion, but ankylosis.", {"erosion": ABSENT, "ankylosis": PRESENT}, id="but ends the denial"),
        pytest.param(
            "No erosion; however, sclerosis is present.",
            {"erosion": ABSENT, "sclerosis": PRESENT},
            id="however ends the denial",
        ),
        pytest.param(
            "No erosion although there is sclerosis.",
            {"erosion": ABSENT, "sclerosis": PRESENT},
            id="although ends the denial",
        ),
        pytest.param("No abnormality except mild bone marrow edema.", {"bme": PRESENT}, id="what is excepted is there"),
        pytest.param("No bone marrow edema except in the left ilium.", {"bme": PRESENT}, id="where it is excepted"),
        pytest.param(
            "Erosion without sclerosis but with ankylosis.",
            {"erosion": PRESENT, "sclerosis": ABSENT, "ankylosis": PRESENT},
            id="a denial reaches forward only",
        ),
        pytest.param(
            "Bone marrow edema, no erosion.", {"bme": PRESENT, "erosion": ABSENT}, id="what stands before stays"
        ),
        pytest.param(
            "No erosion, mild bone marrow edema on the left.",
            {"erosion": ABSENT, "bme": PRESENT},
            id="an amount begins anew",
        ),
        pytest.param("No fracture, bone marrow edema is present.", {"bme": PRESENT}, id="a predicate of its own"),
        pytest.param("No fracture is seen and bone marrow edema persists.", {"bme": PRESENT}, id="after a predicate"),
        pytest.param("No prior study; bone marrow edema.", {"bme": PRESENT}, id="no prior study"),
        pytest.param(
            "No prior imaging available and the sacrum shows bone marrow edema.",
            {"bme": PRESENT},
            id="no prior imaging",
        ),
        pytest.param("MRI without contrast shows bone marrow edema.", {"bme": PRESENT}, id="without contrast"),
        pytest.param(
            "No bone marrow edema to suggest osteomyelitis.",
            {"bme": ABSENT, "osteomyelitis": ABSENT},
            id="denied with what it would suggest",
        ),
        pytest.param("No findings suspicious for malignancy.", {"malignancy": ABSENT}, id="no findings suspicious for"),
        pytest.param(
            "Bone marrow edema without erosion, consistent with osteomyelitis.",
            {"bme": PRESENT, "erosion": ABSENT, "osteomyelitis": PRESENT},
            id="a comma before consistent with",
        ),
        pytest.param(
            "Bone marrow edema without erosion consistent with osteomyelitis.",
            {"bme": PRESENT, "erosion": ABSENT, "osteomyelitis": INDETERMINATE},
            id="no comma before consistent with",
        ),
        pytest.param(
            "No abnormal marrow signal to suggest osteomyelitis.",
            {"bme": ABSENT, "osteomyelitis": ABSENT},
            id="no abnormal signal to suggest",
        ),
        pytest.param(
            "No erosion, the sacrum shows bone marrow edema.",
            {"erosion": ABSENT, "bme": PRESENT},
            id="a verb that shows",
        ),
        pytest.param("No subtle, patchy bone marrow edema.", {"bme": ABSENT}, id="a comma between adjectives"),
        pytest.param(
            "Diffuse edema of the femoral head and neck is not seen.",
            {"diffuse_edema_head_neck": ABSENT, "bme": ABSENT},
            id="one finding inside the other",
        ),
        pytest.param(
            "No diffuse edema of the femoral head and neck.",
            {"diffuse_edema_head_neck": ABSENT, "bme": INDETERMINATE},
            id="not diffuse is not absent",
        ),
        pytest.param(
            "No fracture or dislocation, bone marrow edema is seen.", {"bme": PRESENT}, id="or before a comma"
        ),
    ],
)
def test_a_denial_reaches_as_far_as_its_list(text: str, expected: dict[str, str]):
    assert one(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "No fracture with bone marrow edema.",
        "No fracture within the bone marrow edema.",
        "No fracture adjacent to the bone marrow edema.",
        "No fracture to explain the bone marrow edema.",
        "No fracture as a cause of the bone marrow edema.",
        "No fracture despite bone marrow edema.",
        "No erosion and bone marrow edema is present.",
        "No erosion, bone marrow edema on the left.",
        "No erosion on the right, bone marrow edema.",
    ],
)
def test_a_finding_is_not_absent_where_a_denial_may_not_reach_it(text: str):
    assert one(text)["bme"] == INDETERMINATE


@pytest.mark.parametrize(
    "after",
    [
        *(
            "but {}",
            "; {}",
            ". {}",
            "and there is {}",
            ", {} is present",
            "while {} persists",
            ", only {}",
            "apart from {}",
        ),
        *("other than {}", "with {}", "in the region of {}", "explaining {}", "responsible for the {}", "beyond {}"),
        *(
            "overlying the {}",
            "in contrast to {}",
            ", {} unchanged",
            ", persistent {}",
            ", known {}",
            "in addition to {}",
        ),
        *("surrounded by {}", "superimposed on {}", "as well as {}", ", {} noted in the left ilium", ", extensive {}"),
    ],
)
@pytest.mark.parametrize("denied", ["fracture", "erosion"])
def test_what_stands_beside_a_denial_is_never_absent(denied: str, after: str):
    blank = "" if after[0] in ",;." else " "

    assert one(f"No {denied}{blank}{after.format('bone marrow edema')}.").get("bme") != ABSENT


# --- Doubt (6.4) ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Osteomyelitis cannot be excluded.",
        "Osteomyelitis can't be excluded.",
        "Osteomyelitis cannot reliably be excluded.",
        "Cannot exclude osteomyelitis.",
        "Osteomyelitis is not excluded.",
        "Cannot rule out osteomyelitis.",
        "Osteomyelitis cannot be ruled out.",
        "Biopsy to rule out osteomyelitis.",
        "Rule out osteomyelitis.",
        "R/o osteomyelitis.",
        "Possible osteomyelitis.",
        "Probable osteomyelitis.",
        "Probably osteomyelitis.",
        "Likely osteomyelitis.",
        "Osteomyelitis is likely.",
        "Suspected osteomyelitis.",
        "Suspicious for osteomyelitis.",
        "Suggestive of osteomyelitis.",
        "Concern for osteomyelitis.",
        "Question of osteomyelitis.",
        "?osteomyelitis",
        "? osteomyelitis",
        "Osteomyelitis?",
        "Is there osteomyelitis?",
        "Osteomyelitis versus reactive edema.",
        "Stress reaction vs. osteomyelitis.",
        "Osteomyelitis or gout.",
        "May represent osteomyelitis.",
        "Could reflect osteomyelitis.",
        "Equivocal for osteomyelitis.",
        "Indeterminate for osteomyelitis.",
        "Osteomyelitis is unlikely.",
        "Osteomyelitis, less likely.",
        "Not typical for osteomyelitis.",
        "Consider osteomyelitis.",
        "Differential includes gout, osteomyelitis and tumor.",
        "Differential diagnosis: gout, osteomyelitis.",
        "Biopsy for osteomyelitis if clinically indicated.",
        "Osteomyelitis, however, cannot be excluded.",
        "It is possible that there is osteomyelitis.",
        "Osteomyelitis should be considered.",
        "Osteomyelitis remains in the differential.",
        "May be consistent with osteomyelitis.",
        "Osteomyelitis is neither confirmed nor excluded.",
        "No definite osteomyelitis.",
    ],
)
def test_a_doubtful_diagnosis_is_indeterminate(text: str):
    assert one(text)["osteomyelitis"] == INDETERMINATE


@pytest.mark.parametrize("words", ["consistent with", "compatible with", "in keeping with"])
def test_words_of_agreement_are_assertions(words: str):
    assert one(f"Findings {words} osteomyelitis.") == {"osteomyelitis": PRESENT}


@pytest.mark.parametrize("words", ["suggestive of", "suspicious for"])
def test_suggestive_is_present_only_by_setting(words: str):
    text = f"Findings {words} osteomyelitis."

    assert one(text) == {"osteomyelitis": INDETERMINATE}
    assert one(text, suggestive_is_present=True) == {"osteomyelitis": PRESENT}
    assert one(f"No {text}", suggestive_is_present=True) == {"osteomyelitis": ABSENT}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bone marrow edema, likely osteomyelitis.", {"bme": PRESENT, "osteomyelitis": INDETERMINATE}),
        ("Bone marrow edema is suspicious for osteomyelitis.", {"bme": PRESENT, "osteomyelitis": INDETERMINATE}),
        ("Bone marrow edema; osteomyelitis cannot be excluded.", {"bme": PRESENT, "osteomyelitis": INDETERMINATE}),
        ("Bone marrow edema is likely related to gout.", {"bme": PRESENT}),
        ("Likely reactive bone marrow edema.", {"bme": PRESENT}),
        ("Osteomyelitis or Charcot foot.", {"osteomyelitis": INDETERMINATE, "charcot": INDETERMINATE}),
        ("Synovitis cannot be assessed without contrast.", {}),
        (
            "Concern for osteomyelitis superimposed on known Charcot arthropathy.",
            {"osteomyelitis": INDETERMINATE, "charcot": PRESENT},
        ),
        (
            "Possible bone marrow edema consistent with osteomyelitis.",
            {"bme": INDETERMINATE, "osteomyelitis": INDETERMINATE},
        ),
        (
            "Edema of the ilium suggestive of stress with osteomyelitis.",
            {"bme": PRESENT, "osteomyelitis": INDETERMINATE},
        ),
        ("No definite features suggestive of osteomyelitis.", {"osteomyelitis": INDETERMINATE}),
        ("No new lesion suspicious for metastasis.", {}),
        ("Possible erosion, bone marrow edema is present.", {"erosion": INDETERMINATE, "bme": PRESENT}),
        ("Erosion or subchondral erosive change.", {"erosion": PRESENT}),
    ],
)
def test_a_doubt_stays_with_what_is_doubted(text: str, expected: dict[str, str]):
    assert one(text) == expected


# --- Pseudo-negation, change, earlier studies (6.5) -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("No change in bone marrow edema.", "unchanged"),
        ("No interval change in bone marrow edema.", "unchanged"),
        ("No significant change in the bone marrow edema.", "unchanged"),
        ("No increase in bone marrow edema.", None),
        ("Bone marrow edema is unchanged.", "unchanged"),
        ("Unchanged bone marrow edema.", "unchanged"),
        ("Not only bone marrow edema.", None),
        ("No further bone marrow edema.", None),
        ("No new bone marrow edema besides the known lesion.", None),
        ("Bone marrow edema not resolved.", None),
        ("Bone marrow edema has not resolved.", None),
        ("Bone marrow edema without change.", "unchanged"),
        ("Bone marrow edema without significant progression.", None),
        ("Previously seen bone marrow edema, unchanged.", "unchanged"),
        ("Bone marrow edema is again seen.", None),
    ],
)
def test_a_pseudo_negation_keeps_the_finding_present(text: str, change: str | None):
    expected = {"bme": PRESENT} | ({"change": change} if change else {})

    assert one(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("New bone marrow edema.", "new"),
        ("Interval development of bone marrow edema.", "new"),
        ("Bone marrow edema is new since the prior study.", "new"),
        ("Increased bone marrow edema.", "increased"),
        ("Bone marrow edema has worsened.", "increased"),
        ("Bone marrow edema has progressed since 2020.", "increased"),
        ("Stable bone marrow edema.", "unchanged"),
        ("Decreased bone marrow edema.", "decreased"),
        ("Bone marrow edema has improved.", "decreased"),
        ("Bone marrow edema has partially resolved.", "decreased"),
        ("Possibly increased bone marrow edema.", INDETERMINATE),
    ],
)
def test_change_from_the_earlier_study_is_read(text: str, value: str):
    assert one(text)["change"] == value
    assert one(text)["bme"] in (PRESENT, INDETERMINATE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bone marrow edema has resolved.", {"bme": ABSENT, "change": "decreased"}),
        ("Interval resolution of bone marrow edema.", {"bme": ABSENT, "change": "decreased"}),
        ("Bone marrow edema is no longer seen.", {"bme": ABSENT, "change": "decreased"}),
        ("Prior study showed bone marrow edema, now resolved.", {"bme": ABSENT, "change": "decreased"}),
        ("Prior study showed bone marrow edema. This has now resolved.", {"bme": ABSENT, "change": "decreased"}),
        ("Prior study showed bone marrow edema. This is unchanged.", {"bme": PRESENT, "change": "unchanged"}),
        ("Prior study showed bone marrow edema.", {}),
        ("On the previous MRI of 2021 there was bone marrow edema.", {}),
        ("Bone marrow edema was seen on the prior MRI.", {}),
        ("Previously noted bone marrow edema.", {"bme": INDETERMINATE}),
        ("No bone marrow edema compared with the prior study.", {"bme": ABSENT}),
        ("Compared with 12.03.2021 the bone marrow edema has increased.", {"bme": PRESENT, "change": "increased"}),
        ("No new bone marrow edema.", {}),
        ("No new erosion besides bone marrow edema.", {"erosion": PRESENT, "bme": PRESENT}),
        ("No bone marrow edema was seen on the prior MRI.", {}),
        ("Normal SI joints. This is unchanged.", {"bme": ABSENT}),
        (
            "Bone marrow edema, low T1 signal. It has increased.",
            {"bme": PRESENT, "t1_signal": "low", "change": "increased"},
        ),
        ("No new erosion or ankylosis.", {}),
        ("No acute osteomyelitis.", {}),
        ("No significant interval change.", {"change": "unchanged"}),
        ("Findings have progressed.", {"change": "increased"}),
        ("New meniscal tear. Bone marrow edema.", {"bme": PRESENT}),
        ("Increased STIR signal in the bone.", {"bme": PRESENT}),
    ],
)
def test_an_earlier_study_is_not_this_one(text: str, expected: dict[str, str]):
    assert one(text) == expected


def test_no_new_edema_is_recognised_and_states_nothing():
    reading = read_text("No new bone marrow edema.")

    assert (reading.statements, reading.recognised) == ((), True)


# --- Depth (decision table 5.1) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "value"),
    [
        ("10 mm", "10"),
        ("10.0 mm", "10"),
        ("1 cm", "10"),
        ("1.0 cm", "10"),
        ("0.01 m", "10"),
        ("9.9 mm", "9.9"),
        ("9,9 mm", "9.9"),
        ("9.99 mm", "9.99"),
        ("0.99 cm", "9.9"),
        ("10mm", "10"),
        ("10-mm", "10"),
        ("12 millimetres", "12"),
        ("> 10 mm", "> 10"),
        (">= 10 mm", ">= 10"),
        ("≥ 1 cm", ">= 10"),
        ("more than 10 mm", "> 10"),
        ("at least 10 mm", ">= 10"),
        ("10 mm or more", ">= 10"),
        ("< 10 mm", "< 10"),
        ("less than 10 mm", "< 10"),
        ("≤ 10 mm", "<= 10"),
        ("not exceeding 10 mm", "<= 10"),
        ("> 8 mm", "> 8"),
        ("8-12 mm", "8-12"),
        ("8 – 12 mm", "8-12"),
        ("8 to 12 mm", "8-12"),
        ("8 mm to 1.2 cm", "8-12"),
        ("about 10 mm", "8-12"),
        ("approx. 10 mm", "8-12"),
        ("~10 mm", "8-12"),
        ("up to 12 mm", "up to 12"),
        ("subcentimetre", "< 10"),
        ("multicentimetre", "> 10"),
        ("12 x 8 mm", "8-12"),
        ("12 mm x 8 mm", "8-12"),
        ("possibly 12 mm", INDETERMINATE),
    ],
)
def test_a_depth_is_read_as_it_is_bounded(recorded: str, value: str):
    assert depth(f"Bone marrow edema with a depth of {recorded} in the left ilium.") == [value]


@pytest.mark.parametrize("recorded", ["12", "-5 mm", "0 mm", "12 kg", "1", "score 2 mm", "previously 8 mm"])
def test_what_is_no_length_is_no_depth(recorded: str):
    assert depth(f"Bone marrow edema, depth {recorded}.") == []


@pytest.mark.parametrize(
    "text",
    [
        "Bone marrow edema extending 12 mm from the articular surface.",
        "Subchondral bone marrow edema of 12 mm.",
        "Bone marrow edema 12 mm deep.",
        "12 mm deep bone marrow edema.",
        "Bone marrow edema measures 12 mm in depth, previously 8 mm.",
        "Bone marrow edema, depth increased from 8 to 12 mm.",
        "Bone marrow edema without erosion, extending 12 mm.",
        "Bone marrow edema extending 12 mm with a 4 mm erosion.",
        "Erosion 4 mm deep and bone marrow edema extending 12 mm.",
        "Bone marrow edema involves 3 cm of the ilium, 12 mm in depth.",
        "Bone marrow edema. It extends 12 mm from the articular surface.",
        "Bone marrow edema of the ilium with a depth of 12 mm compared with 14 mm before.",
    ],
)
def test_the_depth_is_that_of_the_edema(text: str):
    assert depth(text) == ["12"]


@pytest.mark.parametrize(
    "text",
    [
        "Bone marrow edema of 12 mm.",
        "Bone marrow edema with a subchondral fracture line of 12 mm.",
        "Bone marrow edema and an erosion extending 4 mm.",
        "Joint effusion extending 15 mm.",
        "Subchondral cyst measuring 12 mm.",
        "Slice thickness 3 mm. Bone marrow edema extends to the articular surface.",
        "No bone marrow edema deeper than 10 mm.",
        "Bone marrow edema not extending more than 10 mm.",
        "Bone marrow edema; SPARCC depth 1.",
        "A depth of 1 cm of bone marrow edema is the threshold.",
        "Prior study showed bone marrow edema, depth previously 12 mm.",
        "Erosion of the left ilium. It extends 4 mm from the articular surface.",
    ],
)
def test_other_lengths_are_no_depth(text: str):
    assert depth(text) == []


def test_a_depth_is_held_exactly():
    (statement,) = (s for s in read_text("Edema of the ilium, depth 0.99 cm.").statements if s.fact == "depth_mm")

    assert isinstance(statement.value, Range)
    assert statement.value.is_exact
    assert str(statement.value) == "9.9"


def test_each_side_keeps_its_depth():
    assert placed("Bone marrow edema extending 12 mm on the left and 6 mm on the right SI joint.") == [
        "bme present si_joint both",
        "depth_mm 12 si_joint left",
        "depth_mm 6 si_joint right",
    ]


# --- Places ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Bone marrow edema.", ["bme present - -"], id="not said"),
        pytest.param("Bone marrow edema of the left hip.", ["bme present hip left"], id="a region"),
        pytest.param("Right knee bone marrow edema.", ["bme present knee right"], id="another region"),
        pytest.param(
            "Bone marrow edema of the femoral head of the left hip.",
            ["bme present femoral_head left"],
            id="site in region",
        ),
        pytest.param(
            "Bone marrow edema of the femoral head and neck.",
            ["bme present femoral_head_and_neck -"],
            id="head and neck",
        ),
        pytest.param(
            "Bone marrow edema of the femoral head sparing the femoral neck.",
            ["bme present femoral_head -"],
            id="a place that is spared",
        ),
        pytest.param(
            "Bone marrow edema of the medial femoral condyle and the tibial plateau.",
            ["bme present medial_femoral_condyle -", "bme present knee_other -"],
            id="two sites",
        ),
        pytest.param(
            "Bone marrow edema of the left femoral head and right SI joint.",
            ["bme present femoral_head left", "bme present si_joint right"],
            id="two sites with their sides",
        ),
        pytest.param("Edema of the left ilium.", ["bme present si_joint left"], id="iliac side"),
        pytest.param("Edema of the right sacral ala.", ["bme present si_joint right"], id="sacral ala"),
        pytest.param("Edema of the acetabulum.", ["bme present other -"], id="acetabulum is not the hip"),
        pytest.param("Edema of the L4 vertebral body.", ["bme present vertebra -"], id="vertebra"),
        pytest.param("Edema of the fifth metatarsal head.", ["bme present foot_ankle -"], id="foot"),
        pytest.param("Bilateral SI joint edema.", ["bme present si_joint both"], id="bilateral"),
        pytest.param("Edema of both femoral heads.", ["bme present femoral_head both"], id="both"),
        pytest.param("Edema of the left and right SI joints.", ["bme present si_joint both"], id="left and right"),
        pytest.param(
            "Bone marrow edema on both sides of the left SI joint.",
            ["bme present si_joint left"],
            id="both sides of one joint",
        ),
        pytest.param(
            "Both T1 and STIR show edema of the left ilium.", ["bme present si_joint left"], id="both sequences"
        ),
        pytest.param(
            "Synovitis on the left and effusion on the right.",
            ["synovitis present - left", "effusion present - right"],
            id="each finding its side",
        ),
        pytest.param(
            "Bone marrow edema and erosions in the left ilium, sclerosis in the right ilium.",
            ["bme present si_joint left", "erosion present si_joint left", "sclerosis present si_joint right"],
            id="a list shares its side",
        ),
        pytest.param(
            "Left SI joint shows edema, right SI joint is normal.",
            ["bme present si_joint left", "bme absent si_joint right"],
            id="the other side is normal",
        ),
        pytest.param(
            "No bone marrow edema on the right and mild edema on the left SI joint.",
            ["bme absent si_joint right", "bme present si_joint left"],
            id="the other side is denied",
        ),
        pytest.param(
            "Bone marrow edema of the left SI joint, none on the right.",
            ["bme present si_joint left", "bme absent si_joint right"],
            id="none there",
        ),
        pytest.param(
            "Bone marrow edema is present on the left and not seen on the right.",
            ["bme present - left", "bme absent - right"],
            id="not seen there",
        ),
        pytest.param(
            "In the left hip there is effusion, but no bone marrow edema.",
            ["effusion present hip left", "bme absent hip left"],
            id="the clause before",
        ),
        pytest.param(
            "Sacroiliitis on the left.", ["axspa present si_joint left"], id="a diagnosis that names its site"
        ),
    ],
)
def test_places_bind_to_the_nearest_finding(text: str, expected: list[str]):
    assert placed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Left SI joint shows edema. Erosions are seen.",
            ["bme present si_joint left", "erosion present si_joint left"],
            id="from the sentence before",
        ),
        pytest.param(
            "Left SI joint: edema. Right SI joint is normal. No effusion.",
            ["bme present si_joint left", "bme absent si_joint right", "effusion absent si_joint right"],
            id="from the nearest one",
        ),
        pytest.param(
            "Edema of the left femoral head and right SI joint. Effusion.",
            ["bme present femoral_head left", "bme present si_joint right", "effusion present - -"],
            id="not when it named two",
        ),
        pytest.param(
            "Edema of the left ilium.\n\nEffusion.",
            ["bme present si_joint left", "effusion present - -"],
            id="not from another paragraph",
        ),
        pytest.param(
            "FINDINGS: Edema of the left ilium.\nIMPRESSION: Effusion.",
            ["bme present si_joint left", "effusion present - -"],
            id="not from another section",
        ),
        pytest.param(
            "Sacroiliac joints:\n- Right: no edema\n- Left: bone marrow edema",
            ["bme absent si_joint right", "bme present si_joint left"],
            id="a heading over a list",
        ),
        pytest.param(
            "Left hip: edema of the femoral head.\nRight hip: no effusion.",
            ["bme present femoral_head left", "effusion absent hip right"],
            id="labels",
        ),
        pytest.param(
            "Edema of the left ilium. The contralateral SI joint is normal.",
            ["bme present si_joint left", "bme absent si_joint right"],
            id="contralateral",
        ),
        pytest.param(
            "Edema of the left ilium. No erosion of the SI joints.",
            ["bme present si_joint left", "erosion absent si_joint -"],
            id="both joints have not one side",
        ),
    ],
)
def test_a_sentence_without_a_place_inherits_the_one_before(text: str, expected: list[str]):
    assert placed(text) == expected


def test_the_study_gives_the_place_that_the_text_does_not():
    study = {"default_site": "si_joint", "default_side": "left"}

    assert placed("Erosion.", **study) == ["erosion present si_joint left"]
    assert placed("Erosion on the right.", **study) == ["erosion present si_joint right"]
    assert placed("Effusion of the hip.", **study) == ["effusion present hip -"]
    assert placed("Erosion of the sacrum.", **study) == ["erosion present si_joint left"]
    assert placed("Edema of L4.", default_side="left") == ["bme present vertebra -"]


@pytest.mark.parametrize(
    "text",
    [
        "Bone marrow edema of the cuboid. Normal marrow signal in the calcaneus.",
        "Bone marrow edema of the cuboid. No bone marrow edema of the talus.",
        "Bone marrow edema of the cuboid. No bone marrow edema elsewhere.",
        "Bone marrow edema of L4, none at L5.",
        "Bone marrow edema of L4. No bone marrow edema at L5.",
    ],
)
def test_another_part_of_the_site_does_not_contradict_the_finding(text: str):
    assert one(text) == {"bme": PRESENT}


def test_the_same_part_does():
    assert one("Bone marrow edema of the cuboid. No bone marrow edema of the cuboid.") == {"bme": "present and absent"}


# --- Sections (6.2) -------------------------------------------------------------------------------------------------


REPORT = """EXAM: MRI LEFT FOOT

CLINICAL HISTORY: Diabetic with fever. Rule out osteomyelitis.
TECHNIQUE: Sagittal T1 and STIR.
COMPARISON: MRI of 2020 showed bone marrow edema.

FINDINGS:
Erosion of the cuboid.

IMPRESSION:
1. Osteomyelitis of the cuboid.
2. No abscess.
"""


def test_each_section_says_what_it_may():
    reading = read_text(REPORT)

    assert reading.sections == (
        Section.TECHNIQUE,
        Section.HISTORY,
        Section.COMPARISON,
        Section.FINDINGS,
        Section.IMPRESSION,
    )
    assert [(s.fact, str(s.value), s.section, s.trust) for s in reading.statements] == [
        ("diabetes", "present", Section.HISTORY, Trust.FINDINGS_TEXT),
        ("fever", "present", Section.HISTORY, Trust.FINDINGS_TEXT),
        ("erosion", "present", Section.FINDINGS, Trust.FINDINGS_TEXT),
        ("osteomyelitis", "present", Section.IMPRESSION, Trust.IMPRESSION_TEXT),
    ]
    assert reading.technique == "MRI LEFT FOOT\nSagittal T1 and STIR."


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("FINDINGS:", Section.FINDINGS),
        ("Findings:", Section.FINDINGS),
        ("**Findings:**", Section.FINDINGS),
        ("MRI FINDINGS:", Section.FINDINGS),
        ("Findings and impression:", Section.FINDINGS),
        ("IMPRESSION:", Section.IMPRESSION),
        ("CONCLUSION:", Section.IMPRESSION),
        ("Impression\n", Section.IMPRESSION),
        ("Opinion:", Section.IMPRESSION),
        ("INDICATION:", Section.INDICATION),
        ("Reason for exam:", Section.INDICATION),
        ("CLINICAL HISTORY:", Section.HISTORY),
        ("History:", Section.HISTORY),
        ("TECHNIQUE:", Section.TECHNIQUE),
        ("COMPARISON:", Section.COMPARISON),
        ("Untitled text,", Section.UNTITLED),
    ],
)
def test_headings_are_recognised(heading: str, section: Section):
    reading = read_text(f"{heading} Bone marrow edema. Osteomyelitis.")
    imaging = section in (Section.FINDINGS, Section.IMPRESSION, Section.UNTITLED)

    assert reading.sections == (section,)
    assert [s.fact for s in reading.statements] == (["bme", "osteomyelitis"] if imaging else [])


def test_headings_on_one_line_are_recognised():
    text = "Indication: fever. Technique: STIR. Findings: Bone marrow edema. Impression: No erosion."

    assert read_text(text).sections == (Section.INDICATION, Section.TECHNIQUE, Section.FINDINGS, Section.IMPRESSION)
    assert one(text) == {"fever": PRESENT, "bme": PRESENT, "erosion": ABSENT}


def test_text_after_the_comparison_is_read_when_no_heading_says_findings():
    assert one("COMPARISON: None.\n\nBone marrow edema of the sacrum.") == {"bme": PRESENT}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acute hip pain.", {"acute_pain": PRESENT}),
        ("Hip pain.", {}),
        ("Hip pain for 2 weeks.", {"acute_pain": PRESENT}),
        ("Hip pain for 2 years.", {}),
        ("Acute chest pain.", {}),
        ("Chronic low back pain.", {"chronic_back_pain": PRESENT}),
        ("Fall 3 days ago.", {"acute_trauma": PRESENT}),
        ("Recent injury.", {"acute_trauma": PRESENT}),
        ("Fall.", {}),
        ("No trauma.", {"acute_trauma": ABSENT}),
        ("Atraumatic.", {"acute_trauma": ABSENT}),
        ("3 months postpartum.", {"postpartum": PRESENT}),
        ("Postpartum 2 months ago.", {"postpartum": PRESENT}),
        ("3 years postpartum.", {}),
        ("Marathon runner.", {"athlete": PRESENT}),
        ("Athlete's foot.", {}),
        ("Fever.", {"fever": PRESENT}),
        ("Afebrile.", {"fever": ABSENT}),
        ("No fever.", {"fever": ABSENT}),
        ("Denies fever or trauma.", {"fever": ABSENT, "acute_trauma": ABSENT}),
        ("Type 2 diabetes.", {"diabetes": PRESENT}),
        ("Diabetic foot.", {"diabetes": PRESENT}),
        ("Diabetes insipidus.", {}),
        ("Family history of diabetes.", {}),
        ("Diabetic foot ulcer.", {"diabetes": PRESENT, "foot_ulcer": PRESENT}),
        ("Ulcer under the first metatarsal head.", {"foot_ulcer": PRESENT}),
        ("Sacral ulcer.", {}),
        ("Known breast cancer.", {"known_malignancy": PRESENT}),
        ("No history of malignancy.", {"known_malignancy": ABSENT}),
        ("Suspected malignancy.", {}),
        ("Rule out metastasis.", {}),
        ("Previous fracture.", {"prior_trauma_or_surgery": PRESENT}),
        ("Status post ORIF.", {"prior_trauma_or_surgery": PRESENT}),
        ("No prior surgery.", {"prior_trauma_or_surgery": ABSENT}),
        ("Previous osteomyelitis.", {"prior_osteomyelitis": PRESENT}),
        ("Rule out osteomyelitis.", {}),
        ("Rule out osteomyelitis in diabetic with fever.", {"diabetes": PRESENT, "fever": PRESENT}),
        ("Bone marrow edema on outside MRI. Sacroiliitis?", {}),
        ("Marrow abnormality found incidentally.", {"incidental": PRESENT}),
    ],
)
def test_an_indication_gives_context_and_never_a_finding(text: str, expected: dict[str, str]):
    assert one(f"INDICATION: {text}") == expected
    assert one(text, section=Section.HISTORY) == expected


def test_context_is_not_read_from_findings():
    assert one("FINDINGS: Diabetic foot ulcer with fever in a postpartum athlete.") == {}


def test_pain_and_injury_have_a_place_and_fever_has_none():
    assert placed("INDICATION: Acute right hip pain and fever.") == [
        "acute_pain present hip right",
        "fever present - -",
    ]


@pytest.mark.parametrize(
    ("given_trust", "heading", "trust"),
    [
        (Trust.IMPRESSION_TEXT, "", Trust.IMPRESSION_TEXT),
        (Trust.FINDINGS_TEXT, "", Trust.FINDINGS_TEXT),
        (Trust.NOTE, "", Trust.NOTE),
        (Trust.IMPRESSION_TEXT, "FINDINGS: ", Trust.FINDINGS_TEXT),
        (Trust.FINDINGS_TEXT, "IMPRESSION: ", Trust.IMPRESSION_TEXT),
        (Trust.NOTE, "IMPRESSION: ", Trust.NOTE),
    ],
)
def test_the_section_gives_the_trust(given_trust: Trust, heading: str, trust: Trust):
    (statement,) = read_text(f"{heading}Erosion.", trust=given_trust).statements

    assert statement.trust is trust


# --- Sentences and quotes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        pytest.param("A meniscus of 9.9 mm. Erosion.", ["Erosion."], id="decimal point"),
        pytest.param(
            "Erosion, e.g. of the ilium. Ankylosis.", ["Erosion, e.g. of the ilium.", "Ankylosis."], id="e.g."
        ),
        pytest.param("Lesion No. 2 with erosion.", ["Lesion No. 2 with erosion."], id="No. before a number"),
        pytest.param("Erosion: No. Ankylosis: Yes.", ["Erosion: No.", "Ankylosis: Yes."], id="No. as an answer"),
        pytest.param("1. Erosion. 2. Ankylosis.", ["Erosion.", "Ankylosis."], id="numbered on one line"),
        pytest.param("1) Erosion 2) Ankylosis", ["Erosion", "Ankylosis"], id="numbered with brackets"),
        pytest.param("1. Erosion\n2. Ankylosis", ["Erosion", "Ankylosis"], id="numbered on lines"),
        pytest.param("- Erosion\n• Ankylosis", ["Erosion", "Ankylosis"], id="bullets"),
        pytest.param("Erosion of\nthe left ilium.", ["Erosion of\nthe left ilium."], id="a broken line"),
        pytest.param("Erosion\nAnkylosis", ["Erosion", "Ankylosis"], id="lines without full stops"),
        pytest.param("Erosion.Ankylosis.", ["Erosion.", "Ankylosis."], id="a missing blank"),
        pytest.param("Erosion (series 3, image 2) is seen.", ["Erosion (series 3, image 2) is seen."], id="brackets"),
        pytest.param("Erosion!\r\nAnkylosis?", ["Erosion!", "Ankylosis?"], id="other line ends"),
    ],
)
def test_sentences_are_quoted_as_they_stand(text: str, quotes: list[str]):
    assert [statement.quote for statement in read_text(text).statements] == quotes


def test_a_denial_reaches_over_a_broken_line_and_not_into_the_next():
    assert one("There is no\nErosion of the ilium.") == {"erosion": ABSENT}
    assert one("No sclerosis\nErosion of the ilium") == {"sclerosis": ABSENT, "erosion": PRESENT}


def test_a_long_sentence_is_quoted_around_what_was_read():
    text = f"The menisci {'are quite normal and ' * 30}there is an erosion of the left ilium {'and more ' * 60}."

    (statement,) = read_text(text).statements

    assert len(statement.quote) <= LONGEST_QUOTE
    assert statement.quote in text
    assert "erosion" in statement.quote


def test_half_a_surrogate_pair_is_not_quoted():
    (statement,) = read_text("Erosion \ud800 here.").statements

    assert statement.quote == "Erosion \ufffd here."


def test_nothing_is_recognised_in_another_language():
    assert read_text("Knochenmarködem links. Kein Hinweis auf Sakroiliitis.") == TextReading(
        sections=(Section.UNTITLED,)
    )
    assert read_text("") == TextReading()


# --- Whole reports --------------------------------------------------------------------------------------------------


def test_report_of_sacroiliac_joints_with_axial_spondyloarthritis():
    text = """MRI OF THE SACROILIAC JOINTS

CLINICAL INFORMATION: 28-year-old with inflammatory back pain. Sacroiliitis?

TECHNIQUE
Coronal oblique T1 and STIR.

FINDINGS
There is subchondral bone marrow edema along the left sacroiliac joint, extending 14 mm from
the articular surface. Several erosions are noted along the iliac side. Small areas of fat metaplasia
in the left sacral ala. No ankylosis.
The right sacroiliac joint shows no bone marrow edema, erosion, sclerosis or ankylosis.

CONCLUSION
Findings consistent with active sacroiliitis on the left.
"""

    assert placed(text) == [
        "bme present si_joint left",
        "depth_mm 14 si_joint left",
        "erosion present si_joint left",
        "fatty_lesion present si_joint left",
        "ankylosis absent si_joint left",
        "bme absent si_joint right",
        "erosion absent si_joint right",
        "sclerosis absent si_joint right",
        "ankylosis absent si_joint right",
        "axspa present si_joint left",
    ]
    assert read_text(text).technique == "Coronal oblique T1 and STIR."


def test_report_of_an_athlete_with_a_normal_variant():
    text = """INDICATION: Competitive athlete, no pain.
FINDINGS: Small focus of bone marrow edema in the left sacrum, 5 mm in depth. T1 signal is normal.
No erosion, fat metaplasia, sclerosis or ankylosis. No T2 hyperintense joint fluid. No synovitis or effusion.
IMPRESSION: Mild bone marrow edema of the left sacroiliac joint, unchanged, likely mechanical. No sacroiliitis."""

    assert placed(text) == [
        "athlete present - -",
        "bme present si_joint left",
        "depth_mm 5 si_joint left",
        "t1_signal normal si_joint left",
        "erosion absent si_joint left",
        "fatty_lesion absent si_joint left",
        "sclerosis absent si_joint left",
        "ankylosis absent si_joint left",
        "t2_joint_fluid absent si_joint left",
        "synovitis absent si_joint left",
        "effusion absent si_joint left",
        "bme present si_joint left",
        "change unchanged si_joint left",
        "axspa absent si_joint left",
    ]


def test_report_of_a_foot_with_osteomyelitis():
    text = """CLINICAL HISTORY: Type 2 diabetes, plantar ulcer of the right great toe, fever. Osteomyelitis?

COMPARISON: Radiographs from 2 days prior showed erosion.

FINDINGS:
Soft tissue ulcer at the right first metatarsal head with surrounding soft tissue edema. There is confluent low T1
signal with corresponding STIR hyperintensity of the first metatarsal head, with cortical erosion. Mild edema-like
signal in the medial sesamoid. No drainable abscess.

IMPRESSION:
1. Osteomyelitis of the first metatarsal head of the right foot.
2. Septic arthritis of the first MTP joint cannot be excluded.
3. No abscess."""

    assert placed(text) == [
        "diabetes present - -",
        "foot_ulcer present foot_ankle right",
        "fever present - -",
        "t1_signal low foot_ankle right",
        "bme present foot_ankle right",
        "erosion present foot_ankle right",
        "bme present foot_ankle right",
        "osteomyelitis present foot_ankle right",
        "septic_arthritis indeterminate foot_ankle right",
    ]


def test_report_of_a_charcot_foot():
    text = """IMPRESSION:
Charcot neuroarthropathy of the right midfoot with diffuse bone marrow edema, fragmentation, and subluxation of the
tarsometatarsal joints. No ulcer or sinus tract. Low T1 signal in the cuboid is nonspecific; superimposed osteomyelitis
is felt to be less likely but cannot be entirely excluded."""

    assert placed(text) == [
        "charcot present foot_ankle right",
        "bme present foot_ankle right",
        "t1_signal low foot_ankle right",
        "osteomyelitis indeterminate foot_ankle right",
    ]


def test_report_of_a_hip_with_avascular_necrosis():
    text = """FINDINGS: Left hip: There is a geographic lesion in the anterosuperior femoral head with a serpiginous
low-signal rim and double-line sign, involving 40% of the articular surface. Surrounding bone marrow edema extends
into the femoral neck. Moderate joint effusion. No subchondral fracture line.
Right hip: Normal marrow signal. No joint effusion.

IMPRESSION: Avascular necrosis of the left femoral head. No evidence of avascular necrosis on the right."""

    assert placed(text) == [
        "rim_sign present femoral_head left",
        "bme present femoral_neck left",
        "effusion present femoral_neck left",
        "subchondral_fracture_line absent femoral_neck left",
        "bme absent hip right",
        "effusion absent hip right",
        "osteonecrosis present femoral_head left",
        "osteonecrosis absent femoral_head right",
    ]


def test_report_of_a_transient_bone_marrow_edema_syndrome():
    text = """There is diffuse bone marrow edema throughout the right femoral head and neck with a moderate joint
effusion. No double-line sign or subchondral fracture line. Findings are most consistent with transient osteoporosis
of the hip. Early avascular necrosis is considered less likely."""

    assert placed(text) == [
        "diffuse_edema_head_neck present femoral_head_and_neck right",
        "bme present femoral_head_and_neck right",
        "effusion present femoral_head_and_neck right",
        "rim_sign absent femoral_head_and_neck right",
        "subchondral_fracture_line absent femoral_head_and_neck right",
        "tbmes present hip right",
        "osteonecrosis indeterminate hip right",
    ]


def test_report_of_sacroiliac_joints_without_findings():
    reading = read_text(
        "No evidence of bone marrow edema, erosion or ankylosis. No sacroiliitis.", default_site="si_joint"
    )

    first, second = ("No evidence of bone marrow edema, erosion or ankylosis.", 0, 55), ("No sacroiliitis.", 56, 72)
    assert reading.statements == tuple(
        TextStatement(fact, ABSENT, "si_joint", None, Section.UNTITLED, Trust.IMPRESSION_TEXT, *quote)
        for fact, quote in [("bme", first), ("erosion", first), ("ankylosis", first), ("axspa", second)]
    )


def test_a_quote_is_found_at_its_offsets_in_the_text():
    text = (
        "INDICATION:  hip pain.\n\nFINDINGS:\n  Marrow edema "
        + "of the femoral head, " * 30
        + "with effusion.\nNo rim sign."
    )

    found = read_text(text).statements

    assert [one.fact for one in found] == ["bme", "effusion", "rim_sign"]
    assert [text[one.start : one.end] for one in found] == [one.quote for one in found]


def test_report_of_a_spine():
    text = """FINDINGS: Modic type I changes at L4-L5 with endplate edema. Marrow signal is diffusely decreased on T1,
an incidental finding. No discitis or osteomyelitis. T1 vertebra is not included.
IMPRESSION: Diffuse marrow signal abnormality. A marrow process such as lymphoma or myeloma cannot be excluded."""

    assert placed(text) == [
        "bme present vertebra -",
        "diffuse_marrow_signal present diffuse_marrow -",
        "t1_signal low vertebra -",
        "incidental present diffuse_marrow -",
        "osteomyelitis absent vertebra -",
        "diffuse_marrow_signal present diffuse_marrow -",
        "malignancy indeterminate - -",
    ]


def test_report_of_a_knee_with_an_insufficiency_fracture():
    text = """Left knee MRI. Bone marrow edema in the medial femoral condyle with a subchondral low-signal line of 9 mm,
compatible with subchondral insufficiency fracture (SONK). Complex tear of the posterior horn of the medial meniscus.
No osteonecrosis."""

    assert placed(text) == [
        "bme present medial_femoral_condyle left",
        "subchondral_fracture_line present medial_femoral_condyle left",
        "sif present medial_femoral_condyle left",
        "osteonecrosis absent medial_femoral_condyle left",
    ]


def test_report_as_a_table():
    text = """Sacroiliac joints, left:
Bone marrow edema: Yes
Erosions: None
Fat metaplasia: absent
Ankylosis: No
Sclerosis: possible
Joint effusion: not seen"""

    assert placed(text) == [
        "bme present si_joint left",
        "erosion absent si_joint left",
        "fatty_lesion absent si_joint left",
        "ankylosis absent si_joint left",
        "sclerosis indeterminate si_joint left",
        "effusion absent si_joint left",
    ]


# --- What holds for every text --------------------------------------------------------------------------------------

REPORT_WORDS = (
    *("no", "without", "bone marrow edema", "erosion", "or", "and", "with", "but", "however", ",", ".", ";", ":", "?"),
    *("left", "right", "both", "SI joint", "femoral head", "neck", "calcaneus", "cannot be excluded", "not seen"),
    *("possible", "likely", "consistent with", "suggestive of", "unchanged", "new", "resolved", "prior study showed"),
    *("12 mm", "8-12", "cm", "> ", "depth", "articular surface", "normal", "FINDINGS:", "IMPRESSION:", "HISTORY:"),
    *("\n", "\n\n", "1.", "- ", "osteomyelitis", "is", "are", "except", "elsewhere", "fever", "(", ")", "x", "between"),
)
report_like = st.lists(st.sampled_from(REPORT_WORDS), max_size=60).map(" ".join)
any_text = st.text(st.characters(codec=None), max_size=200)


@given(text=st.one_of(any_text, report_like), side=st.sampled_from([None, "left"]), suggestive=st.booleans())
def test_no_text_raises_and_every_statement_is_a_quote(text: str, side: str | None, suggestive: bool):
    reading = read_text(text, default_site="si_joint", default_side=side, suggestive_is_present=suggestive)

    quoted = re.sub("[\ud800-\udfff]", "\ufffd", text)
    for statement in reading.statements:
        assert statement.fact in FACTS
        assert len(statement.quote) <= LONGEST_QUOTE
        assert statement.quote in quoted
        assert statement.site is None or statement.site in SITES.group_of
        assert statement.side in (None, "left", "right", "both")
    assert len(set(reading.statements)) == len(reading.statements)
    assert reading.recognised or not reading.statements


@given(report_like)
def test_the_same_text_is_read_the_same(text: str):
    assert read_text(text) == read_text(text)


def without_quotes(reading: TextReading) -> list[tuple[object, ...]]:
    return [(s.fact, str(s.value), s.site, s.side, s.section) for s in reading.statements]


FINDING_SENTENCES = st.sampled_from(
    [
        "Bone marrow edema of the left ilium extending 12 mm from the articular surface.",
        "No erosion, sclerosis or ankylosis of the right SI joint.",
        "Osteomyelitis of the calcaneus cannot be excluded.",
        "Joint effusion.",
        "New edema of the left femoral head.",
        "The right SI joint is normal.",
        "Sclerosis unchanged.",
    ]
)


@given(st.lists(FINDING_SENTENCES, min_size=1, max_size=4), st.data())
def test_an_unrelated_sentence_changes_nothing(sentences: list[str], data: st.DataObject):
    unrelated = data.draw(
        st.sampled_from(
            [
                "The menisci are intact.",
                "No meniscal tear.",
                "Small Baker cyst is noted.",
                "The gallbladder was not seen.",
                "Motion artefact cannot be excluded.",
            ]
        )
    )
    at = data.draw(st.integers(0, len(sentences)))

    longer = [*sentences[:at], unrelated, *sentences[at:]]

    assert without_quotes(read_text(" ".join(longer))) == without_quotes(read_text(" ".join(sentences)))


@given(report_like)
def test_an_indication_never_holds_a_finding_or_a_diagnosis(text: str):
    cleaned = text.replace("FINDINGS:", "").replace("IMPRESSION:", "")
    context = {wording.fact for wording in known.CONTEXT}

    assert {s.fact for s in read_text(f"INDICATION: {cleaned}").statements} <= context


ENDLESS = {
    "nothing but no": "no ",
    "nothing but question marks": "?",
    "nothing but full stops": ". ",
    "nothing but brackets": "(",
    "one long word": "a",
    "one long number": "1",
    "one endless list": "bone marrow edema, no erosion, ",
    "no punctuation": "bone marrow edema left possible ",
    "nothing but headings": "impression: ",
    "nothing but line breaks": "\n",
    "nothing but lengths": "12 mm depth ",
    "nothing but letters that grow in lower case": "İ",
    "nothing but versus": "edema of the ilium versus ",
    "nothing but denials of a part": "no edema of the talus. ",
}


@pytest.mark.parametrize("piece", ENDLESS.values(), ids=ENDLESS.keys())
@pytest.mark.slow
def test_an_endless_text_is_read_to_its_end(piece: str):
    """What grew faster than the text would not come back from here."""
    assert isinstance(read_text(piece * (LONGEST_TEXT // (2 * len(piece)))), TextReading)


def test_a_text_is_read_up_to_its_cap():
    assert read_text(" " * LONGEST_TEXT + "Erosion.") == TextReading()
    assert one(" " * (LONGEST_TEXT - 8) + "Erosion. Ankylosis.") == {"erosion": PRESENT}
