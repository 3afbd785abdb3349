"""How surely a sentence says what it mentions: what is denied, doubted, kept or only said of an earlier study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cds_service.fhir.narrative.clauses import BEHIND, JOINS, LISTS, Clause, Mention, SentenceParts
from cds_service.fhir.narrative.matching import Hit, Sort
from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Cue, Kind
from cds_service.model.finding import State


@dataclass(frozen=True)
class Verdict:
    """What the words around a mention make of it."""

    state: State | None = State.PRESENT
    denied: bool = False
    limited: bool = False
    ended: bool = False


def _in_order(clause: Clause, cues: Iterable[Hit]) -> list[Hit | Mention]:
    """Return cues and the mentions of their clause, in the order in which they stand."""
    events: list[Hit | Mention] = [*cues, *(m for m in clause.mentions if m.wording.kind is not Kind.GENERAL)]
    return sorted(events, key=lambda event: (event.start, event.end))


AS_IT_STANDS = Verdict()
_ABSENT = Verdict(State.ABSENT, denied=True)
UNSURE = Verdict(State.INDETERMINATE)
_NOT_SURELY_DENIED = Verdict(State.INDETERMINATE, denied=True)
_NOTHING = Verdict(None, limited=True)


_STOPS = BEHIND | {Cue.BREAK, Cue.STATED}
"""Where the walk back from a finding ends: what stands before is said of something else."""
_LEADS = frozenset({Cue.SUGGESTS, Cue.ASSERTS})
_EARLIER = frozenset({Cue.EARLIER_SHOWED, Cue.SEEN_EARLIER})


class Judge:
    """Judges the mentions of one sentence."""

    def __init__(self, parts: SentenceParts, suggestive: Verdict) -> None:
        self._parts = parts
        self._words = parts.words
        self._suggestive = suggestive

    def judge(self) -> None:
        """Set the state of every mention."""
        clauses = self._parts.clauses
        for clause in clauses:
            self._look_before(clause)
            cues = {hit.entry.cue for hit in clause.cues}
            if not BEHIND.isdisjoint(cues):
                self._look_behind(clause)
            if Cue.EITHER in cues:
                self._either(clause)
            if Cue.BY_OTHER_MEANS in cues:
                self._seen_otherwise(clause)
            if not _EARLIER.isdisjoint(cues):
                self._earlier(clause)
        for clause, following in pairwise(clauses):
            if following.begins_exception:
                self._excepted(clause, following)
        stands_out = bool(self._parts.of(Sort.ELSEWHERE))
        has_exception = any(clause.begins_exception for clause in clauses)
        if not (stands_out or has_exception or self._parts.sentence.is_question):
            return
        for mention in self._parts.mentions:
            if stands_out and mention.state is State.ABSENT and mention.wording.kind is not Kind.CONTEXT:
                mention.state = None
            if mention.wording.kind is Kind.NORMAL and (stands_out or has_exception):
                mention.state = None
            if self._parts.sentence.is_question and mention.state is not None:
                mention.state = State.INDETERMINATE

    def _look_before(self, clause: Clause) -> None:
        """Let the words speak that stand before the mentions: "no", "without", "possible"."""
        of_all: list[Hit | Mention] | None = None
        for mention in clause.mentions:
            if not mention.wording.covers:
                others = (m for m in self._parts.mentions if m is mention or (m.wording.covers and m.wording.fact))
                outside = [m for m in others if m is mention or m.end <= mention.start or m.start >= mention.end]
                beside = self._parts.cues_beside(outside)
                cues = [hit for hit in beside if clause.start <= hit.start and hit.end <= clause.end]
                self._set(mention, self._before(clause, mention, _in_order(clause, cues), self._suggestive))
            elif clause.cues and clause.cues[0].start < mention.start:
                of_all = _in_order(clause, clause.cues) if of_all is None else of_all
                self._set(mention, self._before(clause, mention, of_all, self._suggestive))

    @staticmethod
    def _set(mention: Mention, verdict: Verdict) -> None:
        mention.state = verdict.state
        mention.denied = verdict.denied
        mention.limited = verdict.limited
        mention.ended = verdict.ended

    def _before(
        self, clause: Clause, mention: Mention, events: Sequence[Hit | Mention], suggestive: Verdict
    ) -> Verdict:
        """Return what stands before a mention makes of it: walk back to the nearest word that governs it."""
        listed: list[Mention] = []  # what stands between, nearest first
        loose = shows = False
        through: Hit | None = None  # "suggestive of", "consistent with"
        for event in reversed([event for event in events if event.end <= mention.start and event is not mention]):
            if isinstance(event, Mention):
                denied_by_itself = event.wording.kind is Kind.NORMAL and self._words[event.start] in ("no", "without")
                if denied_by_itself and through is not None and not listed and through.start - event.end <= 2:
                    return _ABSENT  # "no abnormal marrow signal to suggest ..."
                if event.wording.kind is not Kind.QUALITY:
                    listed.append(event)
                continue
            cue = event.entry.cue
            if cue in _STOPS:
                break
            if cue is Cue.VERB and not (through is not None and self._words[through.start] == "to" and not listed):
                break
            loose = loose or (cue is Cue.LOOSE and not self._stands_behind_a_denial(event, events))
            shows = shows or cue is Cue.SHOWS
            if cue in _LEADS:
                if through is None and (loose or self._reach(clause, mention, listed, event, loose) == "own"):
                    doubtful = cue is Cue.SUGGESTS and mention.wording.kind is Kind.DIAGNOSIS
                    return suggestive if doubtful else AS_IT_STANDS
                if through is None:
                    through, listed = event, []
            elif cue in LISTS:
                if through is not None:
                    return self._through(event, through, listed, suggestive)
                return self._governed(clause, mention, event, listed, loose=loose, shows=shows, events=events)
        if through is not None and through.entry.cue is Cue.SUGGESTS:
            return suggestive
        return AS_IT_STANDS

    def _through(self, event: Hit, through: Hit, listed: Sequence[Mention], suggestive: Verdict) -> Verdict:
        """Return what a denial or a doubt makes of the object of "suggestive of" or "consistent with"."""
        own = suggestive if through.entry.cue is Cue.SUGGESTS else AS_IT_STANDS
        between = self._words[(listed[0].end if listed else event.end) : through.start]
        if "," in between:
            return own
        match event.entry.cue:
            case Cue.DENIES:
                # "No edema to suggest X" denies X; "edema without erosion suggestive of X" may not.
                surely = self._words[event.start] in ("no", "nor") or self._words[through.start] == "to"
                return _ABSENT if surely or not listed else UNSURE
            case Cue.HALF_DENIES:
                return _NOT_SURELY_DENIED
            case Cue.LIMITS | Cue.LIMITS_DIAGNOSIS:
                return _NOTHING
            case Cue.DOUBTS if len(between) <= 3:
                return UNSURE
        return own

    def _governed(
        self,
        clause: Clause,
        mention: Mention,
        event: Hit,
        listed: Sequence[Mention],
        *,
        loose: bool,
        shows: bool,
        events: Sequence[Hit | Mention],
    ) -> Verdict:
        """Return what a governing word makes of a mention, as far as its list reaches."""
        cue = event.entry.cue
        between = self._words[event.end : mention.start]
        if cue is Cue.KEEPS:
            return AS_IT_STANDS
        if shows and (listed or "," in between or cue is Cue.DOUBTS):
            return AS_IT_STANDS
        reach = self._reach(clause, mention, listed, event, loose)
        if cue is Cue.DOUBTS:
            return self._doubted(mention, event, listed, reach, loose)
        if reach == "own" or (cue is Cue.DENIES_NEXT and not listed and len(between) > 2):
            return AS_IT_STANDS
        if mention.wording.kind is not Kind.CONTEXT and "history" in between:
            return _NOTHING
        if reach == "unsure":
            return _NOT_SURELY_DENIED
        diagnosis = mention.wording.kind is Kind.DIAGNOSIS
        match cue:
            case Cue.HALF_DENIES:
                return _NOT_SURELY_DENIED
            case Cue.LIMITS:
                return _NOTHING
            case Cue.LIMITS_DIAGNOSIS if diagnosis or "chronic" in self._words[event.start : event.end]:
                return _NOTHING
            case Cue.ENDED:
                return Verdict(State.ABSENT, ended=True)
        if self._is_denied_in_extent(mention) or self._is_doubted_itself(event, events):
            return _NOT_SURELY_DENIED
        return _ABSENT

    def _doubted(self, mention: Mention, event: Hit, listed: Sequence[Mention], reach: str, loose: bool) -> Verdict:
        between = self._words[event.end : mention.start]
        kind = mention.wording.kind
        if kind is Kind.CONTEXT:
            near = len(between) <= 3 and not known.CLINICAL_BREAKS & set(between)
            return UNSURE if near else AS_IT_STANDS
        if kind is Kind.DIAGNOSIS:
            # "Concern for osteomyelitis superimposed on Charcot arthropathy" doubts the first only.
            behind = self._words[listed[0].end : mention.start] if listed else ()
            return AS_IT_STANDS if known.BACKGROUND & set(behind) else UNSURE
        if loose or reach == "own":
            return AS_IT_STANDS
        cause = bool(between) and self._words[event.start] in known.CAUSE_DOUBTS and between[0] in known.CAUSE_WORDS
        another = not listed and "," in between and between.index(",") > 2
        return AS_IT_STANDS if cause or another else UNSURE

    def _is_denied_in_extent(self, mention: Mention) -> bool:
        """Return whether a denial is only of how far a finding reaches: "no edema deeper than 10 mm"."""
        return any(
            hit.entry.cue is Cue.EXTENT
            and 0 <= hit.start - mention.end <= 1
            and "," not in self._words[mention.end : hit.start]
            for hit in self._parts.cues
        )

    def _is_doubted_itself(self, denial: Hit, events: Sequence[Hit | Mention]) -> bool:
        """Return whether a denial is only likely: "probably no edema"."""
        before = [event for event in events if isinstance(event, Hit) and event.end <= denial.start]
        if self._words[denial.start] in ("rather", "instead"):  # "suggestive of X rather than Y"
            return any(event.entry.cue in (Cue.DOUBTS, Cue.SUGGESTS) for event in before)
        return any(event.entry.cue is Cue.DOUBTS and denial.start - event.end <= 1 for event in before)

    @staticmethod
    def _stands_behind_a_denial(loose: Hit, events: Sequence[Hit | Mention]) -> bool:
        """Return whether a word is only an adjective of what is denied: "without surrounding edema"."""
        return any(
            isinstance(event, Hit) and event.entry.cue is Cue.DENIES and event.end == loose.start for event in events
        )

    def _reach(self, clause: Clause, mention: Mention, listed: Sequence[Mention], event: Hit, loose: bool) -> str:
        """Return whether a mention is in the ``list`` that an event governs, has its ``own`` say, or is ``unsure``.

        "No erosion, sclerosis or ankylosis" is a list. A comma and an amount ("no erosion, moderate edema") or a
        predicate of its own ("no erosion, edema is present") begin something new.
        """
        if loose:
            return "unsure"
        begin = listed[0].end if listed else event.end
        gap = self._words[begin : mention.start]
        at = len(gap) - 1
        while at >= 0 and gap[at] not in JOINS:
            at -= 1
        join = gap[at] if at >= 0 else ""
        before, after = gap[: max(at, 0)], gap[at + 1 :]
        own_phrase = event.entry.cue is not Cue.ENDED and self._is_phrase_of_its_own(after)
        if own_phrase or (not join and (listed or len(gap) > 8)):
            return "unsure"
        if join in ("", "or", "nor", "/") or self._list_goes_on(clause, mention):
            return "list"
        if not listed and not set(before) - known.AMOUNT_WORDS:  # "no subtle, patchy edema"
            return "list"
        anew = bool((known.AMOUNT_WORDS | known.BEGINS_ANEW) & set(after))
        placed = clause.is_placed(begin, mention.start)
        stated = self._is_stated(clause, mention)
        if join == ",":
            behind = set(self._words[mention.end : mention.end + 1])
            stated = stated or bool((known.VERBS | known.IS_MEASURED | known.BEGINS_ANEW) & behind)
            again = any(one.wording.fact == mention.wording.fact for one in listed)
            if anew or stated or again or self._is_main_clause(clause):
                return "own"
            unsure = placed or bool(set(after) & known.BESIDE or behind & known.STATED_BRIEFLY)
            unsure = unsure or clause.is_placed(mention.end, mention.end + 4)
            unsure = unsure or self._words[event.end : clause.end].count(",") < 2  # "no fracture, edema"
            return "unsure" if unsure or mention.wording.kind is Kind.CONTEXT else "list"
        if anew and placed:
            return "own"
        return "unsure" if anew or stated or placed else "list"

    def _is_main_clause(self, clause: Clause) -> bool:
        """Return whether what stands behind a comma of a clause is the main one: "although no erosion is seen, ..."."""
        return bool(known.SUBORDINATES & set(self._words[max(0, clause.start - 1) : clause.start + 1]))

    @staticmethod
    def _is_phrase_of_its_own(words: Sequence[str]) -> bool:
        """Return whether words between a denial and a finding are more than adjectives: "no fracture within edema"."""
        return not known.NO_ADJECTIVES.isdisjoint(words) and any(
            word in known.NO_ADJECTIVES
            and not (word in ("of", "for") and at and words[at - 1] in known.MEASURES_OF)
            and not (word == "as" and at and words[at - 1] == "such")
            for at, word in enumerate(words)
        )

    def _list_goes_on(self, clause: Clause, mention: Mention) -> bool:
        """Return whether "or" still follows in the same list."""
        stops = {hit.start for hit in clause.cues if hit.entry.cue in (Cue.VERB, Cue.STATED, Cue.SHOWS, Cue.BREAK)}
        stops |= {hit.start for hit in clause.cues if hit.entry.cue in LISTS}
        for at in range(mention.end, clause.end):
            if at in stops:
                return False
            if self._words[at] in ("or", "nor") and self._words[at - 1] not in ("left", "right"):
                return True
        return False

    def _is_stated(self, clause: Clause, mention: Mention) -> bool:
        """Return whether a predicate of its own follows the mention."""
        following = [m.start for m in clause.subjects if m.start >= mention.end]
        until = min(following, default=clause.end)
        return any(
            hit.entry.cue is Cue.STATED and mention.end <= hit.start <= min(until, mention.end + 8)
            for hit in clause.cues
        )

    def _look_behind(self, clause: Clause) -> None:
        """Let the predicates that follow speak: "not seen", "cannot be excluded", "has resolved"."""
        mentions = [m for m in clause.mentions if m.wording.kind is not Kind.GENERAL]
        for hit in clause.cues:
            if hit.entry.cue in BEHIND:
                for mention, surely in self._spoken_of(clause, mentions, hit):
                    self._apply(mention, hit.entry.cue, surely and not self._is_partly_meant(clause, mention))

    def _is_partly_meant(self, clause: Clause, mention: Mention) -> bool:
        """Return whether a predicate is said of a part only: "not all erosions are seen"."""
        return any(
            hit.entry.cue is Cue.KEEPS and self._words[hit.start] == "not" and 0 <= mention.start - hit.end <= 3
            for hit in clause.cues
        )

    def _spoken_of(self, clause: Clause, mentions: Sequence[Mention], hit: Hit) -> Iterator[tuple[Mention, bool]]:
        """Return the mentions a predicate is about, with whether that is beyond doubt: the nearest, and its list."""
        before = [mention for mention in mentions if mention.end <= hit.start]
        if not before:
            return
        last = max(before, key=lambda mention: mention.end)
        gap = self._words[last.end : hit.start]
        plain = [word for word in gap if word not in known.PARENTHETIC]
        while plain and plain[-1] == ",":
            plain.pop()
        spoken_for = any(
            other.entry.cue in (Cue.STATED, Cue.BREAK) or other.entry.cue in BEHIND
            for other in clause.cues
            if last.end <= other.start and other.end <= hit.start
        )
        another = plain[:1] == [","] and not self._is_about_places(clause, last.end, hit.start)
        if spoken_for or another or "," in plain[1:] or len(plain) > 14:
            return
        yield last, True
        joined = False
        for earlier in sorted((m for m in before if m is not last), key=lambda mention: -mention.end):
            between = self._words[earlier.end : last.start]
            if earlier.end > last.start:  # one inside the other
                yield earlier, True
                continue
            governed = any(
                earlier.end <= other.start < last.start and other.entry.cue not in (Cue.EITHER, Cue.STILL)
                for other in clause.cues
            )
            joined = joined or bool({"and", "or", "nor", "&", "/"} & set(between))
            if governed or not joined or not JOINS & set(between):
                return
            placed = any(earlier.end <= one.start < last.start for one in (*clause.places, *clause.sides))
            yield earlier, not placed
            last = earlier

    def _is_about_places(self, clause: Clause, start: int, end: int) -> bool:
        """Return whether words behind a comma name places only, and not another thing: "edema, fracture not seen"."""
        named = {at for hit in (*clause.places, *clause.sides) for at in range(hit.start, hit.end)}
        named |= {at for hit in clause.cues for at in range(hit.start, hit.end)}
        return all(
            at in named or not self._words[at].isalpha() or self._words[at] in known.BETWEEN_PLACES
            for at in range(start, end)
        )

    @staticmethod
    def _apply(mention: Mention, cue: Cue, surely: bool) -> None:
        if cue is Cue.UNJUDGED:
            mention.state, mention.limited = None, True
        elif cue is Cue.KEPT:
            mention.state = mention.state if mention.state is State.INDETERMINATE else State.PRESENT
        elif cue is Cue.DOUBTED or not surely or mention.state is State.INDETERMINATE:
            mention.state = State.INDETERMINATE
        elif cue is Cue.HAS_ENDED:
            mention.state, mention.ended = State.ABSENT, True
        elif cue is Cue.DENIED:
            # Two denials may cancel each other or not.
            mention.state = State.ABSENT if mention.state is State.PRESENT else State.INDETERMINATE
            mention.denied = True

    def _either(self, clause: Clause) -> None:
        """Doubt what stands on both sides of "or" and "versus"."""
        mentions = [m for m in clause.mentions if m.wording.kind not in (Kind.NORMAL, Kind.GENERAL)]
        for hit in clause.cues:
            if hit.entry.cue is not Cue.EITHER or self._words[hit.end : hit.end + 1] in (("more",), ("less",), ("so",)):
                continue
            reach = 2 if self._words[hit.start] == "or" else 8
            # A comma may stand before "versus", but behind "or" it begins something else.
            end = hit.start - 1 if self._words[hit.start - 1 : hit.start] == (",",) else hit.start
            left = [m for m in mentions if m.end <= end and self._is_beside(clause, m.end, end, min(reach, 4))]
            right = [m for m in mentions if m.start >= hit.end and self._is_beside(clause, hit.end, m.start, reach)]
            first = [m for m in left if m.end > left[-1].start]  # one may stand inside the other
            second = [m for m in right if m.start < right[0].end]
            if first and second and first[0].wording.fact == second[0].wording.fact:
                continue
            if first and self._is_kept(clause, first[0]):
                continue
            for mention in (*first, *second):
                if mention.state is State.PRESENT:
                    mention.state = State.INDETERMINATE

    def _is_kept(self, clause: Clause, mention: Mention) -> bool:
        """Return whether a pseudo-negation begins the list: "no progression of erosions or sclerosis" has both."""
        return any(hit.entry.cue is Cue.KEEPS and 0 <= mention.start - hit.end <= 3 for hit in clause.cues)

    def _is_beside(self, clause: Clause, start: int, end: int, reach: int) -> bool:
        gap = self._words[start:end]
        return len(gap) <= reach and not {",", "with"} & set(gap) and not clause.is_placed(start, end)

    def _seen_otherwise(self, clause: Clause) -> None:
        """Take back a denial, or a normal structure, that is about another modality, or about edema on T1 alone."""
        for hit in clause.cues:
            if hit.entry.cue is Cue.BY_OTHER_MEANS:
                before = [m for m in clause.mentions if 0 <= hit.start - m.end <= 6]
                alone = not {"stir", "t2"} & set(self._words[hit.end : hit.end + 3])
                on_t1 = self._words[hit.end - 1] == "t1"
                for mention in before[-1:]:
                    is_denial = mention.denied or mention.wording.kind is Kind.NORMAL
                    if is_denial and (not on_t1 or (alone and mention.wording.fact == "bme")):
                        mention.state = None

    def _earlier(self, clause: Clause) -> None:
        """Take back what is said of an earlier study, unless the sentence says how it is now."""
        now = [hit.start for hit in self._parts.cues if hit.entry.cue in (Cue.STILL, Cue.BREAK, Cue.STATED)]
        for hit in clause.cues:
            if hit.entry.cue is Cue.EARLIER_SHOWED:
                for mention in clause.mentions:
                    told = mention.start >= hit.end and not any(hit.end <= at < mention.start for at in now)
                    if told and not self._is_of_now(clause, mention):
                        mention.state = None
            elif hit.entry.cue is Cue.SEEN_EARLIER:
                self._seen_earlier(clause, hit)

    def _is_of_now(self, clause: Clause, mention: Mention) -> bool:
        """Return whether the sentence says how an earlier finding is now."""
        elsewhere = [hit for other in self._parts.clauses if other.takes_up for hit in other.cues]
        return (
            mention.ended
            or any(hit.entry.cue in (Cue.STILL, Cue.KEPT) and hit not in elsewhere for hit in self._parts.cues)
            or any(
                hit.entry.sort is Sort.CHANGE_BEFORE and 0 <= mention.start - hit.end <= 4
                for hit in self._parts.change_hits
            )
            or any(hit.entry.cue is Cue.STATED and hit.start >= mention.end for hit in clause.cues)
            or any(hit.entry.sort is Sort.CHANGE_AFTER and hit.start >= mention.end for hit in self._parts.change_hits)
        )

    def _seen_earlier(self, clause: Clause, hit: Hit) -> None:
        before = [m for m in clause.mentions if 0 <= hit.start - m.end <= 8]
        after = [m for m in clause.mentions if 0 <= m.start - hit.end <= 4]
        mention = before[-1] if before else (after[0] if after else None)
        if mention is None or self._is_of_now(clause, mention):
            return
        if mention.denied or self._words[hit.start] in ("was", "were"):
            # "Was seen on the prior study", "no edema was seen on the prior study"
            mention.state = mention.state if self._denied_behind(clause, mention, hit) else None
        elif mention.state is State.PRESENT:
            mention.state = State.INDETERMINATE

    @staticmethod
    def _denied_behind(clause: Clause, mention: Mention, hit: Hit) -> bool:
        return any(one.entry.cue is Cue.DENIED and one.start >= max(mention.end, hit.end) for one in clause.cues)

    def _excepted(self, clause: Clause, following: Clause) -> None:
        """Read "no edema except in the left ilium": the denial names what it leaves out."""
        if [m for m in following.subjects if m.wording.kind is not Kind.NORMAL]:
            for mention in clause.mentions:
                if mention.limited:
                    mention.state, mention.limited = State.PRESENT, False
            return
        denied = [m for m in clause.subjects if m.limited or m.state is State.ABSENT]
        for mention in denied:
            mention.state = State.PRESENT if len(denied) == 1 else State.INDETERMINATE
            mention.denied = mention.limited = False
            clause.places, clause.sides = [*following.places], [*following.sides]

    def is_denied(self, hit: Hit) -> bool:
        """Return whether a change is denied ("not increased")."""
        return self.state_of_change(hit) is not State.PRESENT

    def state_of_change(self, hit: Hit) -> State | None:
        """Return what the words before a word of change make of it; None when nothing is stated."""
        clause = self._parts.clause_of(hit)
        mention = Mention(hit.start, hit.end, known.GENERAL_NOUNS)
        cues = [cue for cue in clause.cues if not cue.overlaps(hit.start, hit.end)]
        return self._before(clause, mention, cues, UNSURE).state
