"""Sort what the record says into lesions, studies and the patient (decision table 3.10.1).

Findings combine only within one site group and side of one study. For each group and side the newest study with
findings is assessed; older ones are history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from cds_service.model.case import Draft, Lesion, SiteMap, Statement, Study
from cds_service.model.condition import Fact, Kind, Scope
from cds_service.model.finding import Finding, Provenance, State, Value
from cds_service.model.quantity import Range

_Said = tuple[Value, Provenance]

NO_GROUP = ""
"""Group of findings whose site the record does not name."""


@dataclass
class _Place:
    """A lesion being gathered."""

    study: str
    group: str
    side: str | None
    statements: list[Statement] = field(default_factory=list)


def assemble(
    statements: Iterable[Statement],
    studies: Mapping[str, Study],
    facts: Mapping[str, Fact],
    sites: SiteMap,
) -> tuple[Mapping[str, Finding], tuple[Lesion, ...]]:
    """Return the patient's own facts and the lesions to assess, in an order that does not depend on the input's.

    ``studies`` are the known studies by key; a statement of an unlisted study gets a study without date. Statements
    about a fact that is not in ``facts`` are ignored. A study whose site is known makes a lesion even without a
    finding, so that missing sequences are noticed.
    """
    about_patient: list[Statement] = []
    about_study: dict[str, list[Statement]] = {}
    local: list[Statement] = []
    joining: list[Statement] = []
    for statement in statements:
        fact = facts.get(statement.fact)
        if fact is None:
            continue
        if statement.earlier_fact or (fact.scope is Scope.PATIENT and statement.site):
            joining.append(statement)
        elif fact.scope is Scope.PATIENT:
            about_patient.append(statement)
        elif fact.scope is Scope.STUDY and not statement.site:
            about_study.setdefault(statement.study, []).append(statement)
        else:
            local.append(statement)

    places = _places(local, studies, sites)
    lesions = _newest([_lesion(place, studies, about_study, facts, sites) for place in places])
    lesions = [_join(lesion, joining, facts, sites, alone=len(lesions) == 1) for lesion in lesions]
    return _findings(about_patient, facts), tuple(_share(lesions, sites))


def _places(local: Iterable[Statement], studies: Mapping[str, Study], sites: SiteMap) -> list[_Place]:
    """Return one place for each study, group and side; findings without a side join the only side there is."""
    places: dict[tuple[str, str, str | None], _Place] = {}

    def place(study: str, group: str, side: str | None) -> _Place:
        return places.setdefault((study, group, side), _Place(study, group, side))

    without_side: list[tuple[str, str, Statement | None]] = []
    for statement in local:
        group = sites.group_of.get(statement.site or "", NO_GROUP)
        sides = ("left", "right") if statement.side == "both" else (statement.side,)
        if statement.side is None:
            without_side.append((statement.study, group, statement))
        else:
            for side in sides:
                place(statement.study, group, side).statements.append(statement)
    for study in studies.values():
        group = sites.group_of.get(study.site or "", NO_GROUP)
        if group != NO_GROUP and study.side in ("left", "right"):
            place(study.key, group, study.side)
        elif group != NO_GROUP:
            without_side.append((study.key, group, None))
    known_sides: dict[tuple[str, str], list[str | None]] = {}
    for key, group, side in places:
        known_sides.setdefault((key, group), []).append(side)
    for key, group, unsided in without_side:
        there = known_sides.get((key, group), [])
        if unsided is None and there:
            continue
        home = place(key, group, there[0] if len(there) == 1 else None)
        if unsided is not None:
            home.statements.append(unsided)
    return list(places.values())


def _lesion(
    place: _Place,
    studies: Mapping[str, Study],
    about_study: Mapping[str, list[Statement]],
    facts: Mapping[str, Fact],
    sites: SiteMap,
) -> Lesion:
    study = studies.get(place.study) or Study(place.study)
    of_study = {**study.findings, **_findings(about_study.get(place.study, []), facts)}
    named = {s.site for s in place.statements if s.site is not None}
    edematous = {s.site for s in place.statements if s.fact == "bme" and s.value != State.ABSENT and s.site is not None}
    here = edematous or named or ({study.site} if study.site else set())
    exact = frozenset(site for site in here if site not in sites.sites_in and site in sites.group_of)
    regions = [sites.sites_in[site] for site in here if site in sites.sites_in]
    return Lesion(
        group=place.group,
        side=place.side,
        sites=exact,
        study=replace(study, findings=of_study),
        findings=_findings(_of_the_joint(place.statements, sites), facts),
        possible_sites=frozenset() if exact else frozenset().union(*regions),
    )


def _of_the_joint(statements: list[Statement], sites: SiteMap) -> list[Statement]:
    """Return what counts for the whole place: a finding denied at one site is no denial where another site has it.

    A denial for the whole joint is one, and then the record disagrees with itself.
    """
    shown = {(s.fact, s.site) for s in statements if s.value in (State.PRESENT, State.INDETERMINATE)}
    there = {fact for fact, _ in shown}
    return [
        s
        for s in statements
        if s.value is not State.ABSENT
        or s.fact not in there
        or (s.fact, s.site) in shown
        or s.site is None
        or s.site in sites.sites_in
    ]


def _newest(lesions: list[Lesion]) -> list[Lesion]:
    """Return the lesions of the newest study for each group and side, sorted.

    A study in which nothing was read never replaces one with findings: an unreadable new report is no all-clear.
    """
    kept: list[Lesion] = []
    for lesion in sorted(lesions, key=_place_key):
        newer = [
            other
            for other in lesions
            if other.group == lesion.group
            and other.study.key != lesion.study.key
            and (other.side == lesion.side or other.side is None or lesion.side is None)
            and (other.study.date, other.study.issued) > (lesion.study.date, lesion.study.issued)
            and (other.findings or not lesion.findings)
        ]
        if not newer:
            kept.append(lesion)
    return kept


def _place_key(lesion: Lesion) -> tuple[str, str, str, str]:
    return lesion.group, lesion.side or "", lesion.study.date, lesion.study.key


def _join(
    lesion: Lesion, joining: list[Statement], facts: Mapping[str, Fact], sites: SiteMap, *, alone: bool
) -> Lesion:
    """Return the lesion with the diagnoses and patient facts that concern its place.

    A statement with another site or side does not count; one without a site counts only when there is one lesion.
    """
    here: list[Statement] = []
    for statement in joining:
        if statement.site is None and not (alone and _same_side(statement, lesion.side)):
            continue
        if statement.site is not None and not _same_place(statement, lesion.group, lesion.side, sites):
            continue
        earlier = statement.earlier_fact and statement.source.date and statement.source.date < lesion.study.date
        here.append(replace(statement, fact=statement.earlier_fact) if earlier else statement)
    if not here:
        return lesion
    known = _findings(here, facts)
    merged = {
        name: _merged(facts[name], [*_stated(lesion.findings[name]), *_stated(found)])
        if name in lesion.findings
        else found
        for name, found in known.items()
    }
    return replace(lesion, findings={**lesion.findings, **merged})


def _same_place(statement: Statement, group: str, side: str | None, sites: SiteMap) -> bool:
    """Whether a statement is about this joint, and not about its other side."""
    its_group = sites.group_of.get(statement.site or "", NO_GROUP)
    return _same_joint(its_group, group, sites) and _same_side(statement, side)


def _same_side(statement: Statement, side: str | None) -> bool:
    return statement.side not in ("left", "right") or side in (statement.side, None, "both")


def _same_joint(one: str, other: str, sites: SiteMap) -> bool:
    return one == other or (one in sites.joint_of and sites.joint_of[one] == sites.joint_of.get(other))


def concerns(draft: Draft, lesion: Lesion, sites: SiteMap) -> bool:
    """Whether a draft order is about the joint and side of a lesion; a side that is not stated may be either."""
    return _same_joint(draft.group or NO_GROUP, lesion.group, sites) and (
        draft.side in (None, "both") or lesion.side in (None, draft.side)
    )


def with_context(draft: Draft, statements: Iterable[Statement], facts: Mapping[str, Fact], sites: SiteMap) -> Draft:
    """Return the draft with what is stated of the patient at its place, such as acute pain of this knee."""
    here = [
        statement
        for statement in statements
        if statement.site
        and draft.group
        and statement.fact in facts
        and facts[statement.fact].scope is Scope.PATIENT
        and _same_place(statement, draft.group, draft.side, sites)
    ]
    return replace(draft, findings={**draft.findings, **_findings(here, facts)}) if here else draft


def _share(lesions: list[Lesion], sites: SiteMap) -> list[Lesion]:
    """Return the lesions with the findings that belong to the whole joint (3.10.1: the two lesions of a knee)."""
    shared: list[Lesion] = []
    for lesion in lesions:
        joint = sites.joint_of.get(lesion.group)
        extra: dict[str, Finding] = {}
        if joint is not None:
            for other in lesions:
                if other.group == lesion.group or sites.joint_of.get(other.group) != joint:
                    continue
                if other.side not in (lesion.side, None) or other.study.key != lesion.study.key:
                    continue
                for name in sites.shared[joint] & other.findings.keys():
                    if name not in lesion.findings:
                        extra[name] = other.findings[name]
        shared.append(replace(lesion, findings={**lesion.findings, **extra}) if extra else lesion)
    return shared


def _findings(statements: Iterable[Statement], facts: Mapping[str, Fact]) -> dict[str, Finding]:
    by_fact: dict[str, list[_Said]] = {}
    for statement in statements:
        by_fact.setdefault(statement.fact, []).append((statement.value, statement.source))
    return {name: _merged(facts[name], by_fact[name]) for name in sorted(by_fact)}


def _stated(finding: Finding) -> Iterator[_Said]:
    yield from zip(finding.values, finding.sources, strict=True)


def _merged(fact: Fact, said: list[_Said]) -> Finding:
    """Return one finding from all statements of a fact; values that disagree stay side by side.

    Indeterminate gives way to present and outweighs absent. Of several lengths the longest counts (several lesions,
    decision table 5.1), but lengths that differ between a coded and a written statement are a conflict.
    """
    if len(said) == 1:
        ((value, source),) = said
        return Finding(fact.name, (value,), (source,))
    stated = sorted(set(said), key=_statement_key)
    if fact.kind is Kind.NUMBER:
        kept = _longest(stated)
    else:
        kept = [pair for pair in stated if pair[0] is not State.INDETERMINATE]
        if fact.kind is Kind.YES_NO and not any(value is State.PRESENT for value, _ in kept):
            kept = [pair for pair in stated if pair[0] is State.INDETERMINATE] or kept
        kept = kept or stated
    values: list[Value] = []
    sources: list[Provenance] = []
    for value, source in kept:
        if value not in values:
            values.append(value)
            sources.append(source)
    return Finding(fact.name, tuple(values), tuple(sources))


def _longest(stated: list[_Said]) -> list[_Said]:
    """Return the longest length of each way of reading, most trusted first, leaving out those that agree."""
    measured = [pair for pair in stated if isinstance(pair[0], Range)] or stated
    by_trust: dict[int, list[_Said]] = {}
    for value, source in measured:
        by_trust.setdefault(source.trust, []).append((value, source))
    kept: list[_Said] = []
    for _, pairs in sorted(by_trust.items(), reverse=True):
        value, source = _longest_of(pairs)
        if not any(_agrees(value, other) for other, _ in kept):
            kept.append((value, source))
    return kept


def _longest_of(pairs: list[_Said]) -> _Said:
    """Return the longest of several lengths: no shorter than any of them, and as long as any of them may be."""
    ranges = [(value, source) for value, source in pairs if isinstance(value, Range)]
    if not ranges:
        return pairs[0]
    surest, source = max(ranges, key=lambda pair: pair[0].low if pair[0].low is not None else Decimal(0))
    lows = [value.low for value, _ in ranges if value.low is not None]
    low = max(lows, default=None)
    highs = [value.high for value, _ in ranges]
    high = None if None in highs else max(one for one in highs if one is not None)
    if high is not None and surest.high is not None and high <= surest.high:
        return surest, source
    longest = next((value for value, _ in ranges if value.high == high), surest)
    return Range(low, high, surest.low_open and low != high, longest.high_open), source


def _agrees(value: Value, other: Value) -> bool:
    """Whether one of two statements of a number leaves the other possible."""
    if not (isinstance(value, Range) and isinstance(other, Range)):
        return True
    apart = (value.high is not None and other.low is not None and value.high < other.low) or (
        other.high is not None and value.low is not None and other.high < value.low
    )
    return not apart


def _statement_key(pair: _Said) -> tuple[object, ...]:
    value, source = pair
    # Everything that can differ, so that the order does not depend on that of a set.
    where = (source.reference, source.date, source.quote, source.start or 0)
    return (-source.trust, *where, str(value), source.end or 0, source.section)
