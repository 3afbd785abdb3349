"""The draft of a referral letter: plain text to edit, never sent. Each statement has the number of its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.cards import wording
from cds_service.cards.content import Content
from cds_service.smart.stated import Look, Stated


@dataclass(frozen=True)
class Letter:
    """One draft: to whom, and its text."""

    to: str
    text: str


class _Notes:
    """Numbers each place of the record once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, one: Stated) -> str:
        sources = [", ".join(part for part in (r.reference, r.day) if part) for r in one.readings]
        found = [self.numbers.setdefault(source, len(self.numbers) + 1) for source in sources if source]
        return "".join(f" [{number}]" for number in dict.fromkeys(found))


def letter(
    content: Content,
    *,
    patient: str,
    places: Iterable[tuple[str, tuple[Stated, ...]]],
    says: Iterable[str],
    missing: tuple[str, ...],
    made: str,
) -> Letter:
    """Return the draft for the referrals that a card offers.

    Args:
        patient: who it is about, on one line.
        places: name of a place (or ``patient``) and what is stated there.
        says: the sentences of the card.
        missing: what is not reported and would change the answer, as the card names it.
        made: day, and version of the rules.
    """
    notes = _Notes()
    to = " / ".join(wording.TARGET[offered.target] for offered in content.referrals)
    urgent = any(offered.urgent for offered in content.referrals)
    findings = [line for place, stated in places for line in _lines(place, stated, notes)]
    text = [
        wording.DRAFT,
        "",
        f"To: {to}",
        f"Re: {patient}",
        f"Urgency: {'urgent' if urgent else 'routine'}",
        "",
        "Dear colleague,",
        "",
        f"Please see this patient: {content.referrals[0].reason}.",
        "",
        "Findings on record:",
        *findings,
        *(f"- {wording.MISSING.lower()}: {line}" for line in missing),
        "",
        "Why:",
        *(f"- {sentence}" for sentence in says),
        "",
        "With kind regards,",
        "",
        "Sources in the record:",
        *(f"[{number}] {source}" for source, number in notes.numbers.items()),
        f"Drafted by decision support, {made}; please check it against the record.",
    ]
    return Letter(to, "\n".join(text))


def _lines(place: str, stated: tuple[Stated, ...], notes: _Notes) -> list[str]:
    told = [f"- {place}: {one.label}: {one.value}{notes.of(one)}" for one in stated if one.look is not Look.ABSENT]
    denied = "; ".join(f"{one.label}{notes.of(one)}" for one in stated if one.look is Look.ABSENT)
    return told + ([f"- {place}: reported absent: {denied}"] if denied else [])
