"""Every phrase of the field mapping (6.1) stated, denied, doubted and kept, in every way that 6.3 to 6.5 list."""

from __future__ import annotations

import pytest

from cds_service.fhir.narrative import read_text

PHRASES: dict[str, tuple[str, ...]] = {
    "bme": (
        "bone marrow edema",
        "bone marrow oedema",
        "marrow edema-like signal",
        "edema-like marrow signal",
        "edema-like marrow signal intensity",
        "BME",
        "BMO",
        "bone marrow lesion",
        "STIR hyperintense marrow",
        "T2 hyperintense marrow",
        "increased STIR signal in the bone",
        "increased T2 signal in the marrow",
        "increased fluid-sensitive signal in the bone marrow",
    ),
    "t1_signal": (
        "T1 hypointense signal",
        "low T1 signal",
        "decreased T1 signal",
        "T1 dark signal",
        "confluent low T1 signal",
    ),
    "erosion": (
        "erosion",
        "erosions",
        "erosive change",
        "cortical breaking",
        "loss of the subchondral cortical margin",
    ),
    "fatty_lesion": (
        "fat metaplasia",
        "fatty metaplasia",
        "fat deposition",
        "fatty lesion",
        "fatty replacement",
        "fatty marrow change",
    ),
    "sclerosis": ("sclerosis", "subchondral sclerosis", "ice-floe sclerosis"),
    "ankylosis": ("ankylosis", "bony bridging", "fusion of the joint", "bone bud"),
    "ia_t1_hyperintensity": ("T1 hyperintense signal in the joint space", "intra-articular T1 hyperintense signal"),
    "t2_joint_fluid": ("T2 hyperintense joint fluid", "fluid signal in the joint space"),
    "synovitis": ("synovitis", "synovial thickening", "synovial enhancement", "pannus"),
    "effusion": ("joint effusion", "hydrarthrosis", "capsular distension"),
    "rim_sign": (
        "double line sign",
        "serpiginous line",
        "low-signal rim",
        "geographic lesion",
        "ring-like lesion",
        "necrotic focus",
    ),
    "dce_pattern": (
        "rim of perfusion",
        "rim of increased plasma flow",
        "hyperperfusion",
        "decreased maximal enhancement",
    ),
    "subchondral_fracture_line": ("subchondral fracture line", "subchondral lucency", "subchondral low-signal line"),
    "diffuse_edema_head_neck": (
        "diffuse edema of the femoral head and neck",
        "diffuse bone marrow oedema of the head and neck",
    ),
    "diffuse_marrow_signal": (
        "diffuse marrow signal abnormality",
        "diffuse heterogeneous marrow signal abnormality",
        "marrow infiltration",
        "marrow replacement",
        "reconversion pattern",
    ),
    "osteomyelitis": ("osteomyelitis",),
    "osteonecrosis": ("osteonecrosis", "avascular necrosis", "AVN"),
    "tbmes": ("transient osteoporosis", "bone marrow edema syndrome"),
    "sif": ("insufficiency fracture", "SONK"),
    "axspa": ("sacroiliitis",),
    "charcot": ("Charcot arthropathy", "neuropathic arthropathy"),
    "malignancy": ("metastasis", "myeloma", "lymphoma"),
}
"""Of 6.1; a depth has tests of its own."""

CHOICES = {
    "t1_signal": {"low"},
    "dce_pattern": {"rim_high_flow_no_flow_core", "subchondral_hyperperfusion", "decreased_max_enhancement"},
}

STATED = ("{}.", "There is {}.", "{} is seen.", "{} is present in the left hip.", "MRI shows {}.", "The joint has {}.")
DENIED = (
    *("No {}.", "No evidence of {}.", "Without {}.", "Without evidence of {}.", "Absence of {}.", "Free of {}."),
    *("Negative for {}.", "{} is not seen.", "{} not identified.", "{}: none.", "No fracture nor {}.", "Resolved {}."),
    *("{} has resolved.", "{} is no longer seen.", "{} was ruled out.", "There is no {}.", "MRI does not show {}."),
    *("{} is absent.", "No fracture or {}.", "Neither fracture nor {}.", "No fracture, no {}.", "No sign of {}."),
)
DOUBTED = (
    *("{} cannot be excluded.", "Cannot exclude {}.", "{} is not excluded.", "Cannot rule out {}.", "Rule out {}."),
    *("MRI to rule out {}.", "R/o {}.", "Possible {}.", "Probable {}.", "Probably {}.", "Likely {}.", "Suspected {}."),
    *("Suspicious for {}.", "Suggestive of {}.", "Concern for {}.", "Question of {}.", "? {}.", "{} versus gout."),
    *("Gout vs. {}.", "This may represent {}.", "This could reflect {}.", "Equivocal {}.", "Indeterminate for {}."),
    *("{} is unlikely.", "{} is less likely.", "Not typical of {}.", "Consider {}.", "The differential includes {}."),
    *("{} is possible.", "{} is suspected.", "No definite {}.", "No convincing {}.", "No definite evidence of {}."),
    *("{} is equivocal.", "Unlikely {}.", "{} may be present.", "It is unclear whether there is {}.", "{}?"),
)
KEPT = (
    *("No change in {}.", "No interval change in {}.", "No significant change in {}.", "No increase in {}."),
    *("{} is unchanged.", "Unchanged {}.", "Not only {} but also a tear.", "No further increase in {}."),
    *("{} has not resolved.", "{} without change.", "{} without significant progression.", "{}, no interval change."),
    *("{} has almost completely resolved.", "{} does not extend to the surface.", "No decrease in {}."),
)

FACTS = list(PHRASES)


def read(frame: str, phrase: str, fact: str) -> set[str]:
    """Return what a frame with a phrase says of a fact."""
    text = frame.format(phrase)
    return {str(one.value) for one in read_text(text[0].upper() + text[1:]).statements if one.fact == fact}


def wrong(frames: tuple[str, ...], fact: str, *allowed: set[str]) -> list[str]:
    """Return the sentences that say something else of the fact."""
    return [
        f"{frame.format(phrase)} {found or 'nothing'}"
        for frame in frames
        for phrase in PHRASES[fact]
        if not any((found := read(frame, phrase, fact)) == one for one in allowed)
    ]


@pytest.mark.parametrize("fact", FACTS)
def test_a_stated_phrase_is_present(fact: str):
    choices = [{choice} for choice in CHOICES.get(fact, {"present"})]

    assert wrong(STATED, fact, *choices) == []


@pytest.mark.parametrize("fact", FACTS)
def test_a_denied_phrase_is_absent(fact: str):
    """Of a choice, a denial states nothing: not low may be anything else."""
    assert wrong(DENIED, fact, set() if fact in CHOICES else {"absent"}) == []


@pytest.mark.parametrize("fact", FACTS)
def test_a_doubted_phrase_is_indeterminate(fact: str):
    assert wrong(DOUBTED, fact, {"indeterminate"}) == []


@pytest.mark.parametrize("fact", FACTS)
def test_what_only_seems_denied_stays(fact: str):
    choices = [{choice} for choice in CHOICES.get(fact, {"present"})]

    assert wrong(KEPT, fact, *choices) == []


@pytest.mark.parametrize("fact", FACTS)
def test_no_new_states_nothing(fact: str):
    assert wrong(("No new {}.", "No additional {}.", "No evidence of new {}."), fact, set()) == []
