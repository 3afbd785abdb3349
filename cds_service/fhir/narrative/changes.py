"""How findings changed from the earlier study (``change``)."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.fhir.narrative.clauses import Clause, Mention, SentenceParts, Stated
from cds_service.fhir.narrative.judging import Judge
from cds_service.fhir.narrative.matching import Hit, Sort
from cds_service.fhir.narrative.places import Placing
from cds_service.knowledge.phrases import Kind
from cds_service.model.finding import State


def changes(parts: SentenceParts, judge: Judge, placing: Placing) -> Iterator[Stated]:
    """Return how findings changed from the earlier study (``change``)."""
    for mention in parts.mentions:
        if mention.ended and mention.wording.fact:
            yield "change", "decreased", mention.spots, mention.start, mention.end
    for hit in parts.change_hits:
        clause = parts.clause_of(hit)
        target = _changed(parts, clause, hit)
        alone = hit.entry.sort is Sort.CHANGE_AFTER and (hit.start == 0 or parts.words[hit.start] == "no")
        if target is None and alone and not parts.subjects:  # "No interval change.", "Unchanged from prior."
            yield "change", hit.entry.word, placing.spots_of(clause), hit.start, hit.end
        if target is None or target.state in (State.ABSENT, None) or target.ended:
            continue
        state = judge.state_of_change(hit)
        if state is State.ABSENT or state is None:
            continue
        sure = state is State.PRESENT and target.state is State.PRESENT
        yield "change", hit.entry.word if sure else State.INDETERMINATE, target.spots, hit.start, hit.end


def _changed(parts: SentenceParts, clause: Clause, hit: Hit) -> Mention | None:
    """Return what a word of change is about: what follows at once, or what stands before in the same clause."""
    of_change = [m for m in clause.mentions if m.wording.kind is not Kind.QUALITY and m.wording.fact != "incidental"]
    if hit.entry.sort is Sort.CHANGE_BEFORE:
        following = next((m for m in of_change if 0 <= m.start - hit.end <= 4), None)
        return None if following is None or "," in parts.words[hit.end : following.start] else following
    before = [m for m in of_change if m.end <= hit.start <= m.end + 15]
    return before[-1] if before else None
