"""What every reader needs to know besides the resource: the rules' vocabulary, the site's settings, the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from cds_service.fhir.access import Json, codings, objects
from cds_service.knowledge.codes.body_sites import site_of
from cds_service.knowledge.codes.entry import Aliases
from cds_service.knowledge.codes.qualifiers import side_of
from cds_service.knowledge.codes.sites import Place
from cds_service.model.condition import Setting, SettingValue
from cds_service.model.rule import RuleSet


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

    def within(self, day: str, setting: Setting) -> bool:
        """Whether a known day lies at most so many days (a setting) before today. An unknown day does not."""
        days = self.setting(setting)
        if not day or not isinstance(days, int):
            return False
        return date.fromisoformat(day) >= self.today - timedelta(days=days)


@dataclass(frozen=True)
class StudyPlaces:
    """Where each known study looks, and on which day it was done."""

    places: Mapping[str, Place] = field(default_factory=dict)
    days: Mapping[str, str] = field(default_factory=dict)

    def study_of(self, day: str) -> str:
        """Return the study an unlinked statement of this day belongs to: the only one, or the one of the same day.

        Empty when that cannot be told.
        """
        if len(self.days) == 1:
            return next(iter(self.days))
        same = [key for key, done in self.days.items() if day and done == day]
        return same[0] if len(same) == 1 else ""


def place_in(resource: Json, aliases: Aliases, *names: str) -> Place:
    """Return the place that body site elements name: the most exact one, with the side wherever it stands."""
    places: list[Place] = []
    side: str | None = None
    for name in names:
        for element in objects(resource.get(name)):
            for system, code in codings(element):
                found = site_of(system, code, aliases)
                if found is not None:
                    places.append(found)
                    side = side or found.side
                side = side or side_of(system, code, aliases)
            for system, code in codings(element.get("laterality")):
                side = side or side_of(system, code, aliases)
    if not places:
        return Place(side=side)
    exact = min(places, key=lambda place: len(place.sites()) or 99)
    return Place(exact.site, side, exact.may_be, exact.tissue)
