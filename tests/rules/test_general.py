"""What holds for all rules and all records, whatever they say (decision table 1.1, 3.8 and 3.10).

The cases are the clinical vignettes with some facts changed, and cases made at random. Every rule of ``rule_set()``
takes part by being there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.effort import SHARE

from cds_service.engine.assess import Assessment, Outcome, assess
from cds_service.engine.lesions import assemble
from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.sites import SITES
from cds_service.model.case import Case, Draft, Lesion, Statement, Study
from cds_service.model.condition import (
    Around,
    Condition,
    Fact,
    HasState,
    Kind,
    Reading,
    Scope,
    Settled,
    SomeLesion,
    Stated,
    View,
)
from cds_service.model.finding import Finding, Provenance, State, Trust, Value
from cds_service.model.level import Level, Tier
from cds_service.model.quantity import exact, length_between_mm, length_mm
from cds_service.model.rule import Advise, CheckOrder, Rule
from cds_service.model.truth import Truth
from cds_service.vignettes import read_vignette

RULES = rule_set()
PRESENT, ABSENT, INDETERMINATE = State.PRESENT, State.ABSENT, State.INDETERMINATE
VIGNETTES = Path(__file__).parents[2] / "fixtures" / "vignettes.jsonl"


def steadily(examples: int) -> settings:
    """Return settings under which every run tries the same examples; a share of them, but in the gate."""
    return settings(
        derandomize=True,
        database=None,
        max_examples=examples // SHARE,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )


# A record before it is sorted: what may be said of each fact, and where

Said = tuple[Value, ...]
"""One value, or the several values of a conflict."""

DEPTHS: list[Said] = [
    (exact(5),),
    (exact("9.9"),),
    (exact(10),),
    (exact(15),),
    (length_between_mm(8, 12, "mm"),),
    (length_mm(8, "mm", ">"),),
    (INDETERMINATE,),
    (exact(8), exact(12)),
]
AGES: list[Said] = [(exact(12),), (exact(30),), (exact(60),), (INDETERMINATE,), (exact(30), exact(60))]
NUMBERS: list[Said] = [(exact(1),), (exact(6),), (exact(50),), (length_between_mm(4, 8, "mm"),), (INDETERMINATE,)]


def ways(fact: Fact) -> list[Said]:
    """Return all that may be said of a fact."""
    if fact.kind is Kind.YES_NO:
        return [(PRESENT,), (ABSENT,), (INDETERMINATE,), (PRESENT, ABSENT)]
    if fact.kind is Kind.CHOICE:
        pairs = zip(fact.choices, fact.choices[1:], strict=False)
        return [*((choice,) for choice in fact.choices), (INDETERMINATE,), *pairs]
    return {"depth_mm": DEPTHS, "age": AGES}.get(fact.name, NUMBERS)


def plain_ways(fact: Fact) -> list[Said]:
    """Return what may be said without doubt: absent for yes/no facts, any one value for the others."""
    if fact.kind is Kind.YES_NO:
        return [(ABSENT,)]
    return [way for way in ways(fact) if len(way) == 1 and way != (INDETERMINATE,) and _is_one_value(way[0])]


def _is_one_value(value: Value) -> bool:
    return isinstance(value, str) or value.is_exact


def doubtful_ways(fact: Fact) -> list[Said]:
    """Return what may be said in doubt: indeterminate, in conflict, a range."""
    if fact.kind is Kind.YES_NO:
        return [(INDETERMINATE,), (PRESENT, ABSENT)]
    return [way for way in ways(fact) if way not in plain_ways(fact)]


ASKED = {fact.name for rule in RULES.rules for fact in rule.facts()}
"""Facts that some rule asks for; the rest of what is listed changes nothing."""
LESION_FACTS, STUDY_FACTS, PATIENT_FACTS, DRAFT_FACTS = (
    [fact for name, fact in RULES.facts.items() if fact.scope is scope and name in ASKED - {"site"}] for scope in Scope
)
PLACES = [None, *SITES.group_of]
SIDES = ["left", "right", None]


@dataclass(frozen=True)
class Place:
    """A site and side with what is said of it."""

    site: str | None
    side: str | None
    said: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """What is said of one patient and one study."""

    places: tuple[Place, ...] = ()
    study: Mapping[str, Said] = field(default_factory=dict)
    patient: Mapping[str, Said] = field(default_factory=dict)
    draft: Mapping[str, Said] = field(default_factory=dict)

    def statements(self) -> Iterator[Statement]:
        yield from _stated(self.patient)
        yield from _stated(self.study, study="mri")
        for place in self.places:
            yield from _stated(place.said, site=place.site, side=place.side, study="mri")

    def case(self, statements: list[Statement] | None = None) -> Case:
        """Return the case; the study covers the first place, so that it is a lesion even when nothing is said of it."""
        first = self.places[0] if self.places else Place(None, None)
        studies = {"mri": Study("mri", "2026-01-10", first.site, first.side)}
        said = list(self.statements()) if statements is None else statements
        patient, lesions = assemble(said, studies, RULES.facts, RULES.sites)
        drafts = (Draft("draft", group="hip", findings=_found(self.draft)),) if self.draft else ()
        return Case(patient, lesions, drafts)

    def assess(self) -> Assessment:
        return assess(self.case(), RULES)

    def says(self, fact: Fact, said: Said | None, at: int = 0) -> Record:
        """Return the record with something else said of a fact, or nothing: ``at`` is the place, for findings."""

        def changed(layer: Mapping[str, Said]) -> dict[str, Said]:
            rest = {name: one for name, one in layer.items() if name != fact.name}
            return rest if said is None else {**rest, fact.name: said}

        match fact.scope:
            case Scope.STUDY:
                return replace(self, study=changed(self.study))
            case Scope.PATIENT:
                return replace(self, patient=changed(self.patient))
            case Scope.DRAFT:
                return replace(self, draft=changed(self.draft))
        places = list(self.places)
        places[at] = replace(places[at], said=changed(places[at].said))
        return replace(self, places=tuple(places))


def _stated(layer: Mapping[str, Said], **where: Any) -> Iterator[Statement]:
    for name, values in layer.items():
        for position, value in enumerate(values):
            yield Statement(name, value, Provenance(trust=Trust(Trust.CODED - position)), **where)


def _found(layer: Mapping[str, Said]) -> dict[str, Finding]:
    return {name: Finding(name, values, (Provenance(),) * len(values)) for name, values in layer.items()}


def _record_of(raw: Mapping[str, Any]) -> Record:
    """Return a vignette as a record; what several places share is said of each."""
    case = read_vignette(raw, RULES).case
    places = tuple(
        Place(next(iter(sorted(lesion.sites)), None) or lesion.group or None, lesion.side, _values(lesion.findings))
        for lesion in case.lesions
    )
    study = _values(case.lesions[0].study.findings) if case.lesions else {}
    return Record(places or (Place("other", "left"),), study, _values(case.patient))


def _values(found: Mapping[str, Finding]) -> dict[str, Said]:
    return {name: finding.values for name, finding in found.items()}


SEEDS = [_record_of(json.loads(line)) for line in VIGNETTES.read_text(encoding="utf-8").splitlines()]
NEARLY_PHYSIOLOGIC = [
    Record(
        (Place(site, "left", {"bme": (PRESENT,), **findings}),),
        {"seq.stir": ("acquired",), "seq.t1": ("acquired",)},
        {"athlete": (PRESENT,), "age": (exact(26),), **patient},
    )
    for site, findings, patient in [
        (
            "si_joint",
            {
                "depth_mm": (exact(5),),
                **dict.fromkeys(["erosion", "fatty_lesion", "ankylosis"], (ABSENT,)),
                **dict.fromkeys(["ia_t1_hyperintensity", "t2_joint_fluid"], (ABSENT,)),
            },
            {},
        ),
        ("knee_other", {}, {"acute_pain": (ABSENT,)}),
        ("foot_ankle", {}, {"acute_pain": (ABSENT,), "diabetes": (ABSENT,)}),
    ]
]


@st.composite
def records(draw: st.DrawFn, *, drafts: bool = False) -> Record:
    """Draw a record: a vignette, something nearly physiologic, or anything, with some facts said otherwise."""
    record = draw(
        st.one_of(
            st.sampled_from(SEEDS),
            st.sampled_from(NEARLY_PHYSIOLOGIC),
            st.lists(
                st.builds(Place, st.sampled_from(PLACES), st.sampled_from(SIDES), _layers(LESION_FACTS, 9)),
                min_size=1,
                max_size=3,
            ).map(lambda places: Record(tuple(places))),
        )
    )
    for fact in draw(st.lists(st.sampled_from(LESION_FACTS + STUDY_FACTS + PATIENT_FACTS), max_size=6)):
        at = draw(st.integers(0, len(record.places) - 1))
        record = record.says(fact, draw(st.sampled_from(ways(fact)) | st.none()), at)
    if drafts:
        record = replace(record, draft=draw(_layers(DRAFT_FACTS, 5)))
    return record


def _layers(facts: list[Fact], most: int) -> st.SearchStrategy[dict[str, Said]]:
    return st.lists(st.sampled_from(facts), max_size=most, unique=True).flatmap(
        lambda some: st.fixed_dictionaries({fact.name: st.sampled_from(ways(fact)) for fact in some})
    )


FACTS = st.sampled_from(LESION_FACTS + STUDY_FACTS + PATIENT_FACTS)


# Nothing comes of nothing


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("site", PLACES)
def test_nothing_fires_on_a_place_of_which_nothing_is_said(site: str | None, side: str | None) -> None:
    lesion = Lesion(
        SITES.group_of.get(site or "", ""),
        side,
        frozenset({site} - {None} - set(SITES.sites_in)),
        Study("mri"),
        {},
        SITES.sites_in.get(site or "", frozenset()),
    )

    assessment = assess(Case(lesions=(lesion,), drafts=(Draft("draft"),)), RULES)

    assert [result.rule.id for result in assessment.trace if result.fired] == []
    assert (assessment.diagnoses, assessment.tier, assessment.has_message) == ((), Tier.ROUTINE, False)


def test_nothing_fires_without_any_place() -> None:
    assert assess(Case(), RULES).trace == ()


# Learning more never turns an answer


def _views(case: Case) -> list[View]:
    """Return what rules see of each lesion, and of each draft, before the engine disregards anything."""
    around = Around()
    views = [
        View((lesion.findings, lesion.study.findings, case.patient), lesion.sites, lesion.possible_sites, around)
        for lesion in case.lesions
    ]
    around.lesions.extend(views)
    drafts = [View((draft.findings, case.patient), around=around, ordered=tuple(views)) for draft in case.drafts]
    return views + drafts


def _answers(case: Case, reading: Reading) -> dict[tuple[int, str], Truth]:
    return {
        (place, rule.id): rule.when.truth(view, reading)
        for place, view in enumerate(_views(case))
        for rule in RULES.rules
        if rule.when.only_facts
    }


@steadily(120)
@given(records(drafts=True), FACTS | st.sampled_from(DRAFT_FACTS), st.data())
def test_filling_in_a_fact_that_was_not_stated_never_turns_a_settled_question(
    record: Record, fact: Fact, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(record.places) - 1))
    before = record.says(fact, None, at)
    # Another site of one joint may already state the fact for this one.
    assume(fact.scope is not Scope.LESION or all(fact.name not in lesion.findings for lesion in before.case().lesions))
    after = before.says(fact, data.draw(st.sampled_from(ways(fact))), at)
    # Edema says where its lesion lies (3.10.1); learning the site has a test of its own.
    assume([lesion.sites for lesion in before.case().lesions] == [lesion.sites for lesion in after.case().lesions])
    assume(bool(before.draft) == bool(after.draft))

    for reading in Reading:
        settled = {key: truth for key, truth in _answers(before.case(), reading).items() if truth is not Truth.UNKNOWN}
        now = _answers(after.case(), reading)

        assert {key: now[key] for key in settled} == settled


@steadily(60)
@given(_layers(LESION_FACTS, 9), _layers(PATIENT_FACTS, 5), st.sampled_from(sorted(set(SITES.group_of))))
def test_learning_the_site_never_turns_a_settled_question(
    said: dict[str, Said], patient: dict[str, Said], site: str
) -> None:
    layers = (_found(said), _found(patient))
    region = SITES.sites_in.get(site, frozenset())
    nowhere, there = View(layers), View(layers, frozenset() if region else frozenset({site}), region)
    further = [View(layers, frozenset({one})) for one in region]

    for rule in RULES.rules:
        if rule.when.only_facts and not list(_parts(rule.when, SomeLesion)):
            steps = [(nowhere, there), *((there, exactly) for exactly in further)]
            turned = [
                (rule.when.truth(less), rule.when.truth(more))
                for less, more in steps
                if rule.when.truth(less) is not Truth.UNKNOWN and rule.when.truth(more) is not rule.when.truth(less)
            ]
            assert (rule.id, turned) == (rule.id, [])


@steadily(80)
@given(records(drafts=True))
def test_an_undecided_rule_names_what_is_missing_or_in_doubt(record: Record) -> None:
    undecided = [result for result in record.assess().trace if result.outcome is Outcome.UNDECIDED]

    assert [result.rule.id for result in undecided if not result.open_facts()] == []
    assert all(set(result.missing()) | set(result.doubtful()) == set(result.open_facts()) for result in undecided)


# The order in which a record arrives


def _conclusions(assessment: Assessment) -> dict[str, Any]:
    """Return what was concluded, without the numbers of lesions."""
    lesions = assessment.case.lesions
    return {
        "diagnoses": [(one.cause, one.label, one.level, one.act_now, one.tier) for one in assessment.diagnoses],
        "levels": assessment.levels,
        "tier": assessment.tier,
        "conflicts": sorted(map(str, assessment.conflicts)),
        "outcomes": sorted(
            (result.rule.id, str(lesions[result.place].group), str(lesions[result.place].side), result.outcome)
            for result in assessment.trace
            if not isinstance(result.rule.effect, CheckOrder)
        ),
    }


@steadily(60)
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_statements_never_matters(record: Record, chance: Any) -> None:
    shuffled = list(record.statements())
    chance.shuffle(shuffled)

    assert record.case(shuffled) == record.case()


@steadily(80)
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_lesions_never_matters(record: Record, chance: Any) -> None:
    case = record.case()
    lesions = list(case.lesions)
    chance.shuffle(lesions)

    shuffled = assess(replace(case, lesions=tuple(lesions)), RULES)

    assert _conclusions(shuffled) == _conclusions(assess(case, RULES))


@steadily(60)
@given(records())
def test_the_order_of_rules_changes_no_level_and_no_tier(record: Record) -> None:
    case, backwards = record.case(), replace(RULES, rules=tuple(reversed(RULES.rules)))

    one, other = assess(case, RULES), assess(case, backwards)

    assert (other.levels, other.tier) == (one.levels, one.tier)
    assert {(d.cause, d.level, d.tier) for d in other.diagnoses} == {(d.cause, d.level, d.tier) for d in one.diagnoses}


# Not knowing is never safer


def _exempt(record: Record, fact: Fact) -> bool:
    """Whether a row of the decision table itself lets a fact that is not reported end less urgent than a reported one.

    G5: "T1 listed not_acquired but a T1-only finding is present (erosion, fat, ia_t1, t1_signal known): sequence list
    is incomplete: treat T1 as acquired, W_CONFLICT". So with T1 listed as not acquired, any reported T1 signal lifts
    the cap of G2 ("seq.t1 = not_acquired: axspa, tbmes (no iloprost) and physiologic capped at possible"), and where
    none is reported it stays.
    """
    return fact.name == "t1_signal" and "not_acquired" in record.study.get("seq.t1", ())


def _tiers(record: Record, fact: Fact, at: int, said: list[Said]) -> list[Tier]:
    return [record.says(fact, one, at).assess().tier for one in said]


@steadily(150)
@given(records(), FACTS, st.data())
def test_not_reported_is_never_less_urgent_than_reported_absent(
    record: Record, fact: Fact, data: st.DataObject
) -> None:
    """For a number or a choice: than its least urgent value."""
    at = data.draw(st.integers(0, len(record.places) - 1))
    assume(not _exempt(record, fact))

    not_reported = record.says(fact, None, at).assess().tier

    assert not_reported >= min(_tiers(record, fact, at, plain_ways(fact)))


@steadily(120)
@given(records(), FACTS, st.data())
def test_doubt_and_conflict_are_never_less_urgent_than_absent(record: Record, fact: Fact, data: st.DataObject) -> None:
    """For a number or a choice: than its least urgent value."""
    at = data.draw(st.integers(0, len(record.places) - 1))

    in_doubt = min(_tiers(record, fact, at, doubtful_ways(fact)))

    assert in_doubt >= min(_tiers(record, fact, at, plain_ways(fact)))


@steadily(60)
@given(_layers(LESION_FACTS, 7), _layers(PATIENT_FACTS, 4), _layers(STUDY_FACTS, 3))
def test_a_site_that_is_not_named_is_never_less_urgent_than_the_least_urgent_site(
    said: dict[str, Said], patient: dict[str, Said], study: dict[str, Said]
) -> None:
    tiers = {site: Record((Place(site, "left", said),), study, patient).assess().tier for site in PLACES}

    assert tiers[None] >= min(tier for site, tier in tiers.items() if site is not None)


# Reassurance is earned


MUST_KNOW_AT_SI = {"depth_mm", "erosion", "fatty_lesion", "ankylosis", "ia_t1_hyperintensity", "t2_joint_fluid"}


def _stated_at(lesion: Lesion, case: Case) -> set[str]:
    return {name for layer in (lesion.findings, lesion.study.findings, case.patient) for name in layer}


def _not_known(lesion: Lesion, case: Case) -> set[str]:
    """Return the facts that PH1 must know at a lesion and the record does not state."""
    stated = _stated_at(lesion, case)
    needed = {"bme", "age"} | (MUST_KNOW_AT_SI if lesion.group == "si_joint" else set())
    if lesion.group == "foot_ankle":
        needed |= {"diabetes"}
    if lesion.group != "si_joint" and "healthy_control" not in stated:
        needed |= {"acute_pain"}
    lacking = needed - stated
    if not stated & {"seq.t1", "t1_signal"}:
        lacking |= {"seq.t1"}
    if not stated & {"athlete", "postpartum", "healthy_control"}:
        lacking |= {"athlete"}
    return lacking


def _called_physiologic(assessment: Assessment) -> list[int]:
    return [
        entry.lesion
        for diagnosis in assessment.diagnoses
        if diagnosis.cause == "physiologic"
        for entry in diagnosis.entries
        if entry.level is Level.LIKELY
    ]


@steadily(120)
@given(records())
def test_edema_is_called_physiologic_only_where_all_that_must_be_known_is_known(record: Record) -> None:
    """PH1, over all cases: whatever is physiologic states every fact that row asks for."""
    assessment = record.assess()

    case = assessment.case
    assert [_not_known(case.lesions[place], case) for place in _called_physiologic(assessment)] == [
        set() for _ in _called_physiologic(assessment)
    ]


@pytest.mark.parametrize("record", NEARLY_PHYSIOLOGIC, ids=lambda record: record.places[0].site)
def test_without_any_one_of_them_it_is_not(record: Record) -> None:
    must_know = {*record.places[0].said, *record.patient, "seq.t1"}
    without = {name: _called_physiologic(record.says(RULES.facts[name], None).assess()) for name in sorted(must_know)}

    assert _called_physiologic(record.assess()) == [0]
    assert without == {name: [] for name in must_know}


@steadily(120)
@given(records(), st.sampled_from(["athlete", "postpartum", "healthy_control"]))
def test_a_benign_context_never_makes_an_urgent_case_less_urgent(record: Record, context: str) -> None:
    without = record.says(RULES.facts[context], None)
    assume(without.assess().tier >= Tier.URGENT)

    assert without.says(RULES.facts[context], (PRESENT,)).assess().tier >= Tier.URGENT


@steadily(80)
@given(records())
def test_nothing_is_physiologic_beside_anything_dangerous(record: Record) -> None:
    """PH1: no cause above unlikely anywhere in the case but axspa by edema alone; none to be acted on now."""
    assessment = record.assess()
    assume(_called_physiologic(assessment))

    beside = {one.cause for one in assessment.diagnoses} - {"physiologic", "nonspecific"}

    assert (beside <= {"axspa"}, any(one.act_now for one in assessment.diagnoses)) == (True, False)
    assert assessment.tier <= Tier.SOON


# Rules among each other


def test_no_rule_refers_back_to_itself() -> None:
    references = {rule.id: set(rule.references()) for rule in RULES.rules}

    order = list(TopologicalSorter(references).static_order())

    assert set(order) >= set(references)


def test_every_rule_that_is_referred_to_exists_or_belongs_to_a_cause_not_assessed() -> None:
    strangers = {
        rule_id
        for rule in RULES.rules
        for rule_id in rule.references()
        if rule_id not in RULES.by_id and not rule_id.startswith(tuple(f"{cause}-" for cause in RULES.not_assessed))
    }

    assert strangers == set()


def test_rules_that_lower_outweigh_rules_of_their_own_cause() -> None:
    over = {
        rule.id: {(other, RULES.by_id[other].about if other in RULES.by_id else "missing") for other in names}
        for rule in RULES.rules
        if (names := getattr(rule.effect, "over", frozenset()))
    }

    assert over == {rule: {(other, RULES.by_id[rule].about) for other, _ in names} for rule, names in over.items()}


def test_every_rule_stands_on_evidence_with_a_locator() -> None:
    unfounded = [
        rule.id
        for rule in RULES.rules
        for evidence in rule.evidence
        if not evidence.beyond and not all(statement.startswith("S") for statement in evidence.statements)
    ]

    assert unfounded == []


def _parts(condition: Condition, *kinds: type[Condition]) -> Iterator[Condition]:
    """Yield a condition and its parts, down to the leaves; only those of ``kinds`` when given."""
    if not kinds or isinstance(condition, kinds):
        yield condition
    for one in fields(condition):
        value = getattr(condition, one.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Condition) and not isinstance(part, Fact):
                yield from _parts(part, *kinds)


def _asks_whether_absent_or_known(exception: Condition, fact: Fact) -> bool:
    """Whether an exception holds because a fact is absent, or because it is known: then absent is not unknown."""
    return any(
        fact in part.facts()
        and (isinstance(part, Settled | Stated) or (isinstance(part, HasState) and ABSENT in part.states))
        for part in _parts(exception)
    )


EXCEPTIONS = [
    (rule, fact)
    for rule in RULES.rules
    for fact in dict.fromkeys(fact for exception in rule.unless for fact in exception.facts())
    if fact.kind is Kind.YES_NO
    and fact.scope is not Scope.DRAFT
    and fact not in set(rule.when.facts())
    and not any(_asks_whether_absent_or_known(exception, fact) for exception in rule.unless)
]


@pytest.mark.parametrize(
    ("rule", "fact"), EXCEPTIONS, ids=[f"{rule.id} unless {fact.name}" for rule, fact in EXCEPTIONS]
)
def test_an_exception_that_is_not_reported_counts_like_one_reported_absent(rule: Rule, fact: Fact) -> None:
    """Each rule alone, over the vignettes: what other rules conclude plays no part."""
    alone = replace(RULES, rules=(rule,))

    outcomes = [
        [
            [result.outcome for result in assess(record.says(fact, said).case(), alone).trace]
            for said in (None, (ABSENT,))
        ]
        for record in [*SEEDS, *NEARLY_PHYSIOLOGIC]
        if record.places[0].said or fact.scope is not Scope.LESION
    ]

    assert [pair for pair in outcomes if pair[0] != pair[1]] == []


@steadily(80)
@given(records(drafts=True))
def test_an_exception_stops_a_rule_exactly_when_it_is_established(record: Record) -> None:
    """Established; or, for what reassures, lowers, softens or treats, merely in doubt.

    Exceptions that ask for levels are left out: levels move on after a rule was read.
    """
    for result in record.assess().trace:
        reading = Reading.DOUBTFUL if result.rule.effect.softens else Reading.CERTAIN
        asking_for_facts = [exception for exception in result.rule.unless if exception.only_facts]
        held = [exception for exception in asking_for_facts if exception.truth(result.view, reading) is Truth.YES]

        if result.fired:
            assert (result.rule.id, held) == (result.rule.id, [])
        if result.outcome is Outcome.EXCEPTED and result.stopped_by in asking_for_facts:
            assert result.stopped_by in held


@steadily(80)
@given(records())
def test_what_treats_is_only_said_of_a_likely_cause(record: Record) -> None:
    """Decision table 5.4 and 3.10.2: treatment is never offered for a mere possibility, nor in doubt."""
    assessment = record.assess()

    treated = {
        (result.rule.about, assessment.levels.get(result.rule.about))
        for result in assessment.trace
        if isinstance(result.rule.effect, Advise) and result.rule.effect.treats and result.fired
    }

    assert {level for cause, level in treated if cause != "malignancy"} <= {Level.LIKELY}


# Units


@steadily(150)
@given(
    tenths=st.integers(1, 400),
    comparator=st.sampled_from([None, "<", "<=", ">=", ">"]),
    facts=st.dictionaries(
        st.sampled_from(["erosion", "fatty_lesion", "synovitis", "effusion", "rim_sign", "sclerosis"]),
        st.sampled_from(["present", "absent", "indeterminate"]),
    ),
    context=st.dictionaries(st.sampled_from(["athlete", "acute_pain", "diabetes"]), st.just("present")),
    site=st.sampled_from(["si_joint", "femoral_head", "foot_ankle"]),
)
def test_the_unit_of_a_depth_never_changes_an_answer(
    tenths: int, comparator: str | None, facts: dict[str, str], context: dict[str, str], site: str
) -> None:
    """9.9 mm, 0.99 cm and 0.0099 m are one length, also where it comes to the centimetre."""

    def answered(value: str, unit: str) -> Assessment:
        depth = {"value": value, "unit": unit, "comparator": comparator}
        findings = {"bme": "present", "depth_mm": depth, **facts}
        sites = [{"site": site, "side": "left", "findings": findings}]
        sequences = {"stir": "acquired", "t1": "acquired"}
        given = {"patient": {"age": 50}, "sites": sites, "context": context, "sequences": sequences}
        return assess(read_vignette({"input": given}, RULES).case, RULES)

    millimetres = Decimal(tenths) / 10
    answers = [
        answered(str(millimetres / factor), unit)
        for unit, factor in (("mm", Decimal(1)), ("cm", Decimal(10)), ("m", Decimal(1000)))
    ]

    first, *others = [
        (found.tier, found.levels, [result.outcome for result in found.trace], found.case.lesions) for found in answers
    ]
    assert [one == first for one in others] == [True, True]
