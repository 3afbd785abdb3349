"""What every reader needs to know besides the resource: the rules' vocabulary, the site's settings, the day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from cds_service.fhir.access import Json, codings, objects
from cds_service.knowledge.codes.body_sites import site_of
from cds_service.knowledge.codes.entry import Aliases, CodedMeaning
from cds_service.knowledge.codes.qualifiers import side_of
from cds_service.knowledge.codes.sites import ANYWHERE, Place, settle
from cds_service.model.condition import Setting, SettingValue
from cds_service.model.rule import RuleSet

UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, RecursionError)
"""What a resource of an unexpected shape may raise in a reader; anything else is our mistake."""


@dataclass(frozen=True)
class ReadingRules:
    """How to read a record at this site today."""

    rules: RuleSet
    settings: Mapping[str, SettingValue]
    aliases: Aliases
    today: date

    def setting(self, setting: Setting) -> SettingValue:
        """Return the site's value of a setting."""
        return self.settings.get(setting.name, setting.default)

    def within(self, day: str, window: Setting | int) -> bool:
        """Whether a known day lies at most so many days (a number or a setting) before today. An unknown day does not.

        A day in the future does not either, but for the one day that time zones can make.
        """
        days = window if isinstance(window, int) else self.setting(window)
        if not day or not isinstance(days, int):
            return False
        return -1 <= (self.today - date.fromisoformat(day)).days <= days


REPORTED_WITHIN = timedelta(days=14)
"""How long after a study a report or finding that names no study may be dated and still be taken for that study's."""


@dataclass(frozen=True)
class StudyPlaces:
    """Where each known MR study looks, and on which day it was done; ``others`` are the studies that are no MR."""

    places: Mapping[str, Place] = field(default_factory=dict)
    days: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()

    @cached_property
    def _by_day(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, done in self.days.items():
            found.setdefault(done, []).append(key)
        return found

    def study_of(self, day: str) -> str:
        """Return the study an unlinked statement of this day belongs to: the one of the same day, or the only one.

        Empty when that cannot be told. The only study is not taken for what is dated before it or long after: that
        speaks of a study which was not sent.
        """
        same = self._by_day.get(day, []) if day else []
        if len(same) == 1:
            return same[0]
        if len(self.days) != 1:
            return ""
        (key, done), *_ = self.days.items()
        return key if not day or not done or _soon_after(done, day) else ""


def _soon_after(done: str, stated: str) -> bool:
    return timedelta(0) <= date.fromisoformat(stated) - date.fromisoformat(done) <= REPORTED_WITHIN


def place_in(resource: Json, aliases: Aliases, *names: str) -> Place:
    """Return the place that body site elements name: the most exact one, with the side wherever it stands.

    Elements that name places which exclude each other name none; a left one and a right one name both sides.
    """
    found = [_place_of(element, aliases) for name in names for element in objects(resource.get(name))]
    if len(found) < 2:
        return found[0] if found else ANYWHERE
    sides = {place.side for place in found if place.side}
    exact = most_exact([place for place in found if place.sites() or place.tissue])
    side = sides.pop() if len(sides) == 1 else "both" if sides else None
    return Place(exact.site, side, exact.may_be, exact.tissue)


def _place_of(element: Json, aliases: Aliases) -> Place:
    """Return the place of one body site, which may be several codings, a laterality, or an extension for it.

    Two sides in one body site contradict each other, so they name none.
    """
    coded = [*codings(element), *codings(element.get("laterality"))]
    for extension in objects(element.get("extension")):
        coded += [*codings(extension.get("valueCodeableConcept")), *codings(extension.get("valueCoding"))]
    places: list[Place] = []
    sides: set[str] = set()
    for system, code in coded:
        if (place := site_of(system, code, aliases)) is not None:
            places.append(place)
            if place.side:
                sides.add(place.side)
        if side := side_of(system, code, aliases):
            sides.add(side)
    exact = most_exact(places)
    if len(sides) != 1:
        return exact
    return Place(exact.site, sides.pop(), exact.may_be, exact.tissue)


def most_exact(places: list[Place]) -> Place:
    """Return the smallest of places that lie within each other; no place when two of them exclude each other."""
    if not places:
        return ANYWHERE
    if len(places) == 1 and places[0].side is None:
        return places[0]
    by_size = sorted((place for place in places if place.sites()), key=lambda place: len(place.sites()))
    tissue = next((place.tissue for place in (*by_size, *places) if place.tissue), None)
    if not by_size or any(not by_size[0].sites() & other.sites() for other in by_size):
        return Place(tissue=tissue)
    return Place(by_size[0].site, None, by_size[0].may_be, tissue)


def merged(meanings: Iterable[CodedMeaning]) -> list[CodedMeaning]:
    """Return what the codings of one concept mean together: each as exact about the place as the others allow.

    A record often codes one thing twice, once with its place ("osteomyelitis of the right foot") and once without.
    """
    coded = list(meanings)
    if len(coded) < 2:
        return coded
    found: list[CodedMeaning] = []
    for meaning in coded:
        place = meaning.place
        for other in coded:
            if (other.fact, other.value) == (meaning.fact, meaning.value):
                place = settle(place, other.place)
        found.append(replace(meaning, place=place))
    return list(dict.fromkeys(found))
