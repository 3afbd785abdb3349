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

# What reports say beside the words of the mapping: one phrase a fact is enough here.

MORE_DENIALS = """
    There is an absence of {}.
    No residual {}.
    No visible {}.
    No discernible {}.
    No detectable {}.
    {} could not be identified.
    {} could not be detected.
    No suspicion of {}.
    {} has been ruled out.
    {} is excluded.
    {} was excluded.
    {} can be excluded.
    {} can be ruled out.
    Excludes {}.
    No MRI evidence of {}.
    No imaging features of {}.
    There is no sign of {}.
    No {} is demonstrated.
    No {} was seen.
    No {} can be seen.
    No {} can be identified.
    {} not seen.
    {} not present.
    {} negative.
    {}: negative.
    {}: absent.
    {} - none.
    {} (absent).
    {} not visualised.
    Without any {}.
    Lacks {}.
    {} is lacking.
    Free from {}.
    Devoid of {}.
    There is lack of {}.
    {} is not demonstrated.
    {} is not apparent.
    {} is not detected.
    {} has disappeared.
    {} is no longer visible.
    {} is no longer present.
    {} no longer demonstrated.
    {} completely resolved.
    {} has fully resolved.
    {} has cleared.
    Complete disappearance of {}.
    No longer any {}.
    The images do not show {}.
    The images do not reveal any {}.
    There are no findings of {}.
    There is no indication of {}.
    No {} to report.
    Fracture: no. {}: no.
    MRI fails to demonstrate {}.
    There is not any {}.
    There isn't any {}.
    Nothing to suggest {}.
    No features to suggest {}.
    Nothing to indicate {}.
    No findings to support {}.
    There is no associated {}.
    No accompanying {}.
    No adjacent {}.
    No underlying {}.
    No surrounding {}.
    No concomitant {}.
    No secondary {}.
    No relevant {}.
    No pathological {}.
    No abnormal {}.
    No suspicious {}.
    Neither {} nor fracture is seen.
    Fracture and {} are not seen.
    No fracture, dislocation or {}.
    No fracture; no dislocation; no {}.
    No fractures, {}, or tears.
    No fractures, tears, {}.
    No tears and no {}.
    No tears and {}.
    {} cannot be seen.
    {} cannot be demonstrated.
    No {} identified on this examination.
    No MR evidence for {} at this time.
""".strip().splitlines()
"""More ways to deny."""

MORE_DOUBTS = """
    {} cannot be confirmed.
    {} is not confirmed.
    {} not definitely seen.
    {} is not clearly identified.
    {} not well seen.
    No definite {} is seen.
    No clear {}.
    No unequivocal {}.
    No obvious {}.
    No frank {}.
    No overt {}.
    No gross {}.
    {} is doubtful.
    Doubtful {}.
    {} is questionable.
    {} questionable.
    Dubious {}.
    {} is not certain.
    It is uncertain whether {} is present.
    {}, if any, is minimal.
    Minimal if any {}.
    Little if any {}.
    There may be {}.
    There might be {}.
    There could be {}.
    {} could be present.
    {} is conceivable.
    {} conceivable.
    {} seems likely.
    {} seems unlikely.
    {} appears unlikely.
    {} is improbable.
    Unlikely to represent {}.
    Unlikely to be {}.
    {} is considered.
    {} should be considered.
    {} has to be considered.
    {} must be excluded.
    {} needs to be ruled out.
    {} to be excluded.
    To exclude {}.
    Exclude {}.
    ?{}.
    Query {}.
    {} (?).
    Possibly {}.
    {}, possibly.
    {} probable.
    {}: possible.
    {}: equivocal.
    Findings could be due to {}.
    Findings may be related to {}.
    Worrisome for {}.
    Concerning for {}.
    Raises concern for {}.
    Raises suspicion for {}.
    Suspicion of {}.
    {} suspected.
    Suspect {}.
    Potential {}.
    Presumed {}.
    Presumably {}.
    {} favoured.
    Favour {}.
    {} in the differential.
    DDx: {}.
    Differential considerations include {}.
    Cannot completely exclude {}.
    {} cannot be excluded with certainty.
    {} cannot definitively be excluded.
    It is not possible to exclude {}.
    We cannot exclude {}.
    Unable to exclude {}.
    {} is not entirely excluded.
    {} not completely ruled out.
    {} can not be ruled out.
    Does not exclude {}.
    {} is hard to exclude.
    Early {} cannot be excluded.
    Not diagnostic of {}.
    Not specific for {}.
    Nonspecific for {}.
    Low suspicion for {}.
    Low probability of {}.
    Borderline {}.
    Indeterminate {}.
    Suggestion of {}.
    A suggestion of {}.
    Findings hint at {}.
    Impression of {}.
    {} or gout.
    Gout or {}.
    Either {} or gout.
    {} rather than gout is possible.
    Would be compatible with {} in the right clinical setting.
    May be seen with {}.
    Might reflect {}.
    Can be seen in {}.
    Correlate for {}.
    Evaluate for {}.
    Recommend follow-up for {}.
    Clinical correlation for {} is recommended.
    If there is clinical concern for {}, biopsy.
    Should {} be suspected, repeat MRI.
""".strip().splitlines()
"""More ways to doubt."""

MORE_KEPT = """
    {} persists.
    Persistent {}.
    Ongoing {}.
    Residual {}.
    {} is again seen.
    {} remains visible.
    {} continues to be present.
    {} shows no improvement.
    {} shows no change.
    There is no change in the {}.
    {} has not changed.
    {} has not improved.
    {} is not improved.
    {} is not smaller.
    {} is not yet resolved.
    {} did not resolve.
    {} fails to resolve.
    No resolution of {}.
    No regression of {}.
    {} without regression.
    {} with no interval change.
    {} not significantly changed.
    {} not new.
    {} is nothing new.
    No reduction in {}.
    {} is not negligible.
    {}, not previously seen.
    {} which was not present before.
    {} not seen previously.
    {} not described before.
    {} without fracture.
    {} without a fracture line.
    {} with no fracture.
    {}, no fracture.
    {} but no fracture.
    {} not due to fracture.
    {} not related to trauma.
    {} not explained by trauma.
    {} of unknown cause.
    {} without an identifiable cause.
    {} that does not reach the surface.
    {} not crossing the joint.
    {} not only on the left.
    Not surprisingly, there is {}.
    There is no question that there is {}.
    {} is not subtle.
    {} is not mild.
    No less than three foci of {}.
    {} is not limited to the head.
    {} not confined to the neck.
    {} is undeniable.
    Undoubtedly {}.
    No contrast was given; {} is seen.
    No prior for comparison. {}.
    No previous images. There is {}.
    Without intravenous contrast, {} is seen.
    Although no fracture is seen, there is {}.
    While there is no fracture, {} is present.
    Despite the absence of fracture, there is {}.
    There is no fracture but {}.
    No fracture. {}.
    In the absence of trauma, {} is present.
    With no history of trauma, there is {}.
    No fracture identified; there is, however, {}.
    Aside from {}, no abnormality.
    Other than {}, normal study.
    Except for {}, normal.
    Normal except for {}.
    Unremarkable apart from {}.
    Otherwise normal, with {}.
    No abnormality besides {}.
    Nothing but {}.
    Only {}.
    No pathology other than {}.
    Fracture excluded, {} present.
    No fracture; {}.
    Fracture has resolved, {} persists.
    Fracture no longer seen; {} remains.
""".strip().splitlines()
"""More ways to deny something else."""

BESIDE = """
    Without evidence of fracture, {} is seen.
    Without evidence of fracture, {} in the left talus.
    No fracture on the left, {} on the right.
    Although there is no cyst, {}.
    No cyst or tear, {} in the left ilium.
    Negative for fracture with {} in the talus.
    No fracture was seen in the area of {}.
    No cyst in spite of {}.
    Absence of fracture; {}.
    No fracture: {} only.
    No fracture - {}.
    No fracture, {} (5 mm).
    No fracture, {} measuring 12 mm.
    No longer any fracture, {} now.
    Fracture absent, {} present.
    Fracture not seen, {} seen.
    Fracture not seen. {}.
    {}, cyst absent.
    {} and tears without cyst.
    {} rather than fracture.
    {} in the absence of fracture.
    {}, not fracture.
    {} instead of fracture.
    {} (no fracture).
    {} - no fracture.
    {}, fracture not seen.
    {}, fracture: none.
    {}, normal T1.
    {}; joint normal.
    {} with normal cortex.
    {}, otherwise normal.
    {} with absent fracture line.
    {} whereas the left is normal.
    The left hip is normal, {} in the right hip.
    {} of the right hip, left hip normal.
    Normal left hip and {} in the right.
    {} in the otherwise normal femoral head.
    {} adjacent to a normal joint.
    {} with no other abnormality.
    {}, nil else.
    {} but nothing else.
    {} and nothing else.
    {} alone, without cyst.
    {} and tear, but neither cyst nor fracture.
    Neither cyst nor tear, but {}.
    Not a cyst but {}.
    {} is not accompanied by fracture.
    {} not associated with fracture.
    {} is seen, not fracture.
    {} which is not a fracture.
    {} that has not caused fracture.
    {} despite negative radiographs.
    Radiographs negative; {} on MRI.
    {} not visible on radiographs.
    {}, occult on radiographs.
    {} is not visible on CT.
    {}, not seen on CT.
    {} is not seen on radiographs.
    {} does not enhance.
    {} without enhancement.
    {} (not enhancing).
    No erythema; {}.
    There is {} with no collapse.
    There is {} and no collapse.
    Unremarkable cartilage and {}.
    Normal alignment and {}.
    Normal bone marrow signal except {}.
    Marrow signal is normal apart from {}.
    The joint is normal except for {}.
    No abnormality is seen except {}.
    No fracture although {} is noted.
    No fracture is present, however {} is.
    No fracture even though {} is extensive.
    There is no fracture, yet {} is seen.
    There is no fracture, just {}.
    There is no fracture, merely {}.
    Not fracture, but {}.
    No fracture; instead, {}.
    No fracture. Instead {}.
    Fracture ruled out; {}.
    Fracture was ruled out, {} remains.
    Fracture is excluded, but {}.
    The fracture has resolved; {}.
    The fracture has healed, with {}.
    Healed fracture without residual deformity; {}.
    Resolved cyst, {} unchanged.
    Resolution of the cyst with {}.
    No cyst, and {} is again seen.
    No new cyst; {}.
    No new cyst, {} stable.
    No change in the cyst, {} has increased.
    The absence of a cyst does not exclude {}.
    Lack of a fracture line favours {}.
    No fracture line, which favours {}.
    No mass. Diffuse {}.
    No mass, with diffuse {}.
    No mass with surrounding {}.
    No cyst associated with {}.
    No complication of {}.
    No sequelae of {}.
    No treatment of {}.
    No progression to {}.
    No extension of {} into the joint.
    No spread of {}.
    No enhancement of {}.
    No history of {}.
    No relation to {}.
    No overlying skin change, {}.
    No skin ulcer overlying the {}.
    No sinus tract communicating with {}.
    No evidence that {} is improving.
    No indication that {} has resolved.
    No reason to doubt {}.
    No dispute about {}.
    No alternative to {}.
    No other cause than {}.
    None of the {} has resolved.
    None of the {} is new.
    Not all {} has resolved.
    Not every {} is visible.
    Not much {}.
    Not a lot of {}.
    Not insignificant {}.
    Not uncommon: {}.
    No small {}.
    Without treatment {} may progress.
    Nonspecific {}.
    Non-enhancing {}.
    Non-acute {}.
    Unenhanced images show {}.
    Nonunion with {}.
    Free fluid and {}.
    Free fragment with {}.
    Pain-free patient with {}.
    Negative radiograph. {}.
    Nil of note in the knee; {} in the ankle.
    Noncontrast MRI shows {}.
    No motion artefact. {}.
    No sedation; {}.
    No gadolinium. {}.
    No.1: {}.
    No. 2 {}.
""".strip().splitlines()
"""Something else is denied: the phrase may be in doubt, but is never absent."""

SHORT = {
    "bme": "bone marrow edema",
    "erosion": "erosion",
    "effusion": "joint effusion",
    "osteomyelitis": "osteomyelitis",
    "rim_sign": "double line sign",
    "synovitis": "synovitis",
}

FACTS = list(PHRASES)


def read(frame: str, phrase: str, fact: str) -> set[str]:
    """Return what a frame with a phrase says of a fact."""
    text = frame.strip().format(phrase)
    return {str(one.value) for one in read_text(text[0].upper() + text[1:]).statements if one.fact == fact}


def each(frame: str) -> dict[str, set[str]]:
    """Return what a frame says of each fact, with one phrase for it."""
    return {fact: read(frame, phrase, fact) for fact, phrase in SHORT.items()}


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


@pytest.mark.parametrize("frame", MORE_DENIALS)
def test_more_denials_are_heard(frame: str):
    assert each(frame) == {fact: {"absent"} for fact in SHORT}


@pytest.mark.parametrize("frame", MORE_DOUBTS)
def test_more_doubts_are_heard(frame: str):
    assert each(frame) == {fact: {"indeterminate"} for fact in SHORT}


@pytest.mark.parametrize("frame", MORE_KEPT)
def test_more_that_only_seems_denied_stays(frame: str):
    assert each(frame) == {fact: {"present"} for fact in SHORT}


@pytest.mark.parametrize("frame", BESIDE)
def test_what_stands_beside_a_denial_of_something_else_is_not_absent(frame: str):
    assert [fact for fact, values in each(frame).items() if "absent" in values] == []
