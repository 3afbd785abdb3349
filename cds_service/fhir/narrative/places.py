"""Where it is: places and sides bind to the nearest finding, or are taken over from the words before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cds_service.fhir.narrative.clauses import JOINS, NOWHERE, Clause, Mention, SentenceParts, Spot
from cds_service.fhir.narrative.matching import Hit
from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Kind


class Placing:
    """Places the mentions of one sentence."""

    def __init__(self, parts: SentenceParts) -> None:
        self.named_spots: tuple[Spot, ...] = ()
        self._parts = parts
        self._words = parts.words
        self._study = NOWHERE
        self._fallbacks: list[Spot] = []

    def place(self, before: tuple[Spot, ...], study: Spot) -> None:
        """Set the places of every mention."""
        self._study = study
        inherited = only_spot(before) or NOWHERE
        side_before = inherited.side or study.side
        clauses = self._parts.clauses
        for clause in clauses:
            clause.spots = self._with_implied_site(clause, self._spots(clause.places, clause.sides, side_before))
        for number, clause in enumerate(clauses):
            fallback = self._fallback(number, inherited) if len(clauses) > 1 else inherited
            own = self._bound(clause, side_before)
            for mention in clause.mentions:
                wording = mention.wording
                if wording.fact in known.OF_THE_PATIENT:
                    mention.spots = (NOWHERE,)
                elif wording.fact in known.ABOUT_ALL_MARROW:
                    mention.spots = (Spot("diffuse_marrow"),)
                else:
                    spots = own[mention]
                    if wording.site is not None:
                        spots = tuple(_said_by_itself(wording.site, spot) for spot in spots)
                    mention.spots = _distinct([_completed(spot, fallback, study) for spot in spots])
            clause.named = _distinct([_completed(spot, fallback, study) for spot in clause.spots])
            self._fallbacks.append(fallback)
        self.named_spots = _distinct([spot for clause in clauses for spot in clause.named])

    @staticmethod
    def _with_implied_site(clause: Clause, spots: tuple[Spot, ...]) -> tuple[Spot, ...]:
        """Return the spots of a clause that names its site only in a finding: "sacroiliitis with marrow edema"."""
        if clause.places:
            return spots
        findings = [m for m in clause.mentions if m.wording.site is not None and m.wording.kind is not Kind.CONTEXT]
        sites = {mention.wording.site for mention in findings}
        if len(sites) != 1:
            return spots
        return tuple(spot._replace(site=site) for site in sites for spot in spots or (NOWHERE,))

    def _fallback(self, number: int, inherited: Spot) -> Spot:
        """Return the place of a clause that names none: of the clauses before it, else of the next, else inherited."""
        for clause in reversed(self._parts.clauses[:number]):
            if clause.named:
                return only_spot(clause.named) or NOWHERE
        for clause in self._parts.clauses[number + 1 : number + 2]:
            if clause.spots and (clause.takes_up or not clause.subjects):
                return only_spot(clause.spots) or inherited
        return inherited

    def _bound(self, clause: Clause, side_before: str | None) -> dict[Mention, tuple[Spot, ...]]:
        """Return the places of each mention: those nearest to it, else those of its neighbour in a list."""
        if not clause.mentions:
            return {}
        leading = clause.subjects or clause.mentions
        shared = common_spot(clause.spots)
        bound: dict[Mention, tuple[Spot, ...]]
        if not clause.places and not clause.sides:
            bound = dict.fromkeys(leading, (shared,))
        else:
            if clause.places and (len(leading) == 1 or self._is_one_place(clause)):
                bound = dict.fromkeys(leading, clause.spots)
            else:
                bound = self.nearest(clause, leading, side_before)
            for mention in leading:
                spots = bound.get(mention)
                if spots is None:
                    bound[mention] = self._of_neighbours(clause, leading, mention, bound) or (shared,)
                else:
                    bound[mention] = tuple([_filled(spot, shared, clause.spots) for spot in spots])
        for mention in clause.mentions:
            if mention not in bound:
                bound[mention] = self._of_its_finding(clause, mention, bound, side_before)
        return bound

    def _is_one_place(self, clause: Clause) -> bool:
        """Return whether a clause names one place, and no side but the place's own: then all is there."""
        if len(clause.places) != 1 or len(clause.sides) > 1:
            return False
        return all(self._place_of(clause, side) is clause.places[0] for side in clause.sides)

    def nearest(
        self, clause: Clause, mentions: Sequence[Mention], side_before: str | None
    ) -> dict[Mention, tuple[Spot, ...]]:
        if not clause.places and not clause.sides:
            return {}
        if len(mentions) == 1:
            return {mentions[0]: self._spots(clause.places, clause.sides, side_before)}
        places: dict[Mention, list[Hit]] = {}
        sides: dict[Mention, list[Hit]] = {}
        nearest: dict[Hit, Mention] = {}
        for hits, by_mention in ((clause.places, places), (clause.sides, sides)):
            for hit in hits:
                at = self._place_of(clause, hit) if hits is clause.sides else hit
                if at not in nearest:
                    nearest[at] = min(mentions, key=lambda mention: self._distance(mention, at))
                by_mention.setdefault(nearest[at], []).append(hit)
        return {
            mention: self._spots(places.get(mention, ()), sides.get(mention, ()), side_before)
            for mention in mentions
            if mention in places or mention in sides
        }

    def _place_of(self, clause: Clause, side: Hit) -> Hit:
        """Return the place right behind a side ("left posterior ilium"), else the side itself."""
        behind = (place for place in clause.places if side.end <= place.start)
        return next((place for place in behind if self._stands_at(side, place)), side)

    def _distance(self, mention: Mention, hit: Hit) -> int:
        """Return how far a place is from a mention, in words; commas keep apart, "and" and "with" a little less."""
        if hit.start < mention.end and mention.start < hit.end:
            return -1
        gap = self._words[mention.end : hit.start] if mention.end <= hit.start else self._words[hit.end : mention.start]
        apart = [word for word in gap if word in known.KEEPS_APART]
        return len(gap) + 4 * len(apart) + apart.count(",") + apart.count(";")

    def _of_neighbours(
        self,
        clause: Clause,
        mentions: Sequence[Mention],
        mention: Mention,
        bound: Mapping[Mention, tuple[Spot, ...]],
    ) -> tuple[Spot, ...]:
        """Return the places of the mentions before and behind in the same list, when they agree."""
        at = mentions.index(mention)
        found: list[tuple[Spot, ...]] = []
        for step in (-1, 1):
            current, other = at, at + step
            while 0 <= other < len(mentions) and self._is_listed(
                mentions[min(current, other)], mentions[max(current, other)]
            ):
                if mentions[other] in bound:
                    found.append(bound[mentions[other]])
                    break
                current, other = other, other + step
        return found[0] if found and all(spots == found[0] for spots in found) else ()

    def _is_listed(self, first: Mention, second: Mention) -> bool:
        gap = self._words[first.end : second.start]
        return first.end > second.start or (
            len(gap) <= 4 and bool(JOINS & set(gap)) and "left" not in gap and "right" not in gap
        )

    def _of_its_finding(
        self,
        clause: Clause,
        mention: Mention,
        bound: Mapping[Mention, tuple[Spot, ...]],
        side_before: str | None,
    ) -> tuple[Spot, ...]:
        """Return the places of a quality or a change: its own when several are told apart, else its finding's."""
        same = [m for m in clause.mentions if m.wording.fact == mention.wording.fact]
        if len(same) > 1 and len(clause.spots) > 1:
            own = self.nearest(clause, same, side_before).get(mention)
            if own:
                return own
        findings = [m for m in clause.subjects if m.wording.kind is not Kind.NORMAL]
        edema = [m for m in findings if m.wording.fact == "bme"]
        if not findings:
            return (common_spot(clause.spots),)
        nearest = min(edema or findings, key=lambda m: max(m.start - mention.end, mention.start - m.end))
        return bound[nearest]

    def _spots(self, places: Sequence[Hit], sides: Sequence[Hit], side_before: str | None) -> tuple[Spot, ...]:
        """Return places and sides as spots; with several of both, each place keeps the side that stands at it."""
        if not places and not sides:
            return ()
        names = [(hit, hit.entry.word if hit.entry.word != "opposite" else _OPPOSITE.get(side_before)) for hit in sides]
        all_sides = _joined([side for _, side in names])
        if len(places) > 1:
            places = [hit for hit in places if not self._is_only_a_heading(hit, places)]
        sites = _most_exact(places)
        if not sites:
            return (Spot(side=all_sides),) if all_sides else ()
        spots: list[Spot] = []
        for site, hit in sites:
            side = all_sides
            if len(sites) > 1 and all_sides == "both" and len(names) > 1:
                beside = [name for one, name in names if self._stands_at(one, hit)]
                side = _joined(beside) if beside else all_sides
            place = hit.entry.place
            part = None if place is None or place.whole else place.phrases[0]
            spots.append(Spot(site, side, part, self._words[hit.end - 1] in known.PLURALS))
        if len(spots) == 1:
            return tuple(spots)
        sides_of: dict[Spot, list[str | None]] = {}
        for spot in spots:
            sides_of.setdefault(spot._replace(side=None), []).append(spot.side)
        return tuple(spot._replace(side=_joined(several)) for spot, several in sides_of.items())

    def _is_only_a_heading(self, place: Hit, places: Sequence[Hit]) -> bool:
        """Return whether a region only begins the line of a bone beside it: "Hip: edema of the pubis"."""
        others = [other.entry.place.site for other in places if other is not place and other.entry.place is not None]
        return self._words[place.end : place.end + 1] == (":",) and others == ["other"]

    def _stands_at(self, side: Hit, place: Hit) -> bool:
        """Return whether a side is the side of a place: "left posterior ilium", "ilium on the left"."""
        if side.end <= place.start:
            gap = self._words[side.end : place.start]
            return len(gap) <= 3 and not JOINS & set(gap)
        return set(self._words[place.end : side.start]) <= {"on", "in", "at", "("} and side.start >= place.end

    def spots_of(self, clause: Clause) -> tuple[Spot, ...]:
        """Return the one place of a clause, else what a clause without a place inherits."""
        silent = _completed(NOWHERE, self._fallbacks[self._parts.clauses.index(clause)], self._study)
        shared = common_spot(clause.spots)
        return (shared if shared.site is not None else Spot(silent.site, shared.side or silent.side, silent.part),)


def _distinct(spots: Sequence[Spot]) -> tuple[Spot, ...]:
    """Return the spots without those that stand there already."""
    return tuple(spots if len(spots) < 2 else dict.fromkeys(spots))


_OPPOSITE: Mapping[str | None, str] = {"left": "right", "right": "left"}


def _joined(sides: Sequence[str | None]) -> str | None:
    """Return one side for several: left and right are both."""
    if len(sides) < 2:
        return sides[0] if sides else None
    distinct = {side for side in sides if side is not None}
    if len(distinct) > 1 or "both" in distinct:
        return "both"
    return next(iter(distinct), None)


def _most_exact(places: Sequence[Hit]) -> list[tuple[str, Hit]]:
    """Return the sites named, without a region of which a site is named; head and neck are one."""
    sites = [(hit.entry.place.site, hit) for hit in places if hit.entry.place is not None]
    if len(sites) < 2:
        return sites
    names = {site for site, _ in sites}
    regions = {known.REGION_OF[site] for site in names if site in known.REGION_OF and known.REGION_OF[site] != site}
    exact = [(site, hit) for site, hit in sites if site not in regions]
    if {"femoral_head", "femoral_neck"} <= names or "femoral_head_and_neck" in names:
        merged = [(s if s not in ("femoral_head", "femoral_neck") else "femoral_head_and_neck", h) for s, h in exact]
        return list({site: (site, hit) for site, hit in reversed(merged)}.values())
    return exact


def common_spot(spots: Sequence[Spot]) -> Spot:
    """Return what all spots have in common."""
    if len(spots) < 2:
        return spots[0] if spots else NOWHERE
    sites = {spot.site for spot in spots}
    sides = {spot.side for spot in spots}
    parts = {spot.part for spot in spots}
    return Spot(
        site=next(iter(sites)) if len(sites) == 1 else None,
        side=next(iter(sides)) if len(sides) == 1 else None,
        part=next(iter(parts)) if len(parts) == 1 else None,
        plural=any(spot.plural for spot in spots),
    )


def _filled(spot: Spot, shared: Spot, spots: Sequence[Spot]) -> Spot:
    """Return a spot with what its clause says of its site and side."""
    if spot.site and spot.side:
        return spot
    return Spot(spot.site or shared.site, spot.side or _side_of_same(spot, spots), spot.part, spot.plural)


def _side_of_same(spot: Spot, spots: Sequence[Spot]) -> str | None:
    """Return the one side that the clause gives to this spot's region."""
    sides = {other.side for other in spots if other.side and _region(other.site) == _region(spot.site)}
    return next(iter(sides)) if len(sides) == 1 else None


def only_spot(spots: Sequence[Spot]) -> Spot | None:
    """Return the one place that spots name; None for none or for several."""
    if len(spots) < 2:
        return spots[0] if spots else None
    return common_spot(spots) if len({(spot.site, spot.side) for spot in spots}) == 1 else None


def _region(site: str | None) -> str | None:
    return known.REGION_OF.get(site, site) if site is not None else None


def _said_by_itself(site: str, spot: Spot) -> Spot:
    """Return a spot with the site that a phrase names by itself ("sacroiliitis"), unless a nearer one is named."""
    if _region(spot.site) == _region(site) and known.REGION_OF.get(site) == site:
        return spot
    return Spot(site, spot.side, spot.part if _region(spot.site) == _region(site) else None, spot.plural)


def _completed(spot: Spot, fallback: Spot, study: Spot) -> Spot:
    """Return a spot with what the words before, then the study, say of its site and side."""
    if spot.site is not None and spot.side is not None:
        return spot
    site, part = spot.site, spot.part
    if site is None:
        site, part = (fallback.site, fallback.part) if fallback.site is not None else (study.site, None)
    side = spot.side
    if side is None and not spot.plural:
        if _region(fallback.site) == _region(site) or fallback.site is None:
            side = fallback.side
        of_study = study.site is None or _region(study.site) == _region(site)
        if side is None and of_study and site not in known.WITHOUT_SIDE:
            side = study.side
    return Spot(site, side, part, spot.plural)
