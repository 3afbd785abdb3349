"""ImagingStudy: which MR sequences were acquired, where and when."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.fhir.access import Json, codings, concept_text, first_day, key_of, objects, text
from cds_service.fhir.readers.context import ReadingRules, place_in
from cds_service.fhir.readers.drafts import site_named
from cds_service.fhir.sequences import Sequences, sequences_of
from cds_service.knowledge.codes.orders import imaging_of, modality_of
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.settings import PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE
from cds_service.model.case import Statement
from cds_service.model.finding import Provenance

IGNORED_STATUS = ("entered-in-error", "cancelled", "registered")


def is_mr(resource: Json) -> bool:
    """Whether the study, or any of its series, is magnetic resonance imaging."""
    found = [*codings(resource.get("modality"))]
    for series in objects(resource.get("series")):
        found += codings(series.get("modality"))
    return any(modality_of(system, code) == "MR" or code == "MR" for system, code in found)


def study_place(resource: Json, how: ReadingRules) -> Place:
    """Return the part of the body a study covers, by its procedure code, body sites, or words."""
    procedures = [*codings(resource.get("procedureCode")), *codings(resource.get("procedure"))]
    for system, code in procedures:
        ordered = imaging_of(system, code)
        if ordered is not None and ordered.place.site is not None:
            return ordered.place
    for series in objects(resource.get("series")):
        place = place_in(series, how.aliases, "bodySite", "laterality")
        if place.site is not None:
            return place
    words = " ".join((text(resource.get("description")), concept_text(resource.get("procedureCode"))))
    return site_named(words)


def study_day(resource: Json) -> str:
    """Return the day the study was done, or empty."""
    return first_day(resource, "started")


def read_sequences(resource: Json, how: ReadingRules) -> Iterator[Statement]:
    """Yield which sequences were, or were not, acquired; nothing for those the series do not settle."""
    key = key_of(resource)
    source = Provenance(key, study_day(resource))
    for name, state in _settled(_sequences(resource, how)):
        yield Statement(f"seq.{name}", state, source, study=key)


def _sequences(resource: Json, how: ReadingRules) -> Sequences:
    listed = list(objects(resource.get("series")))
    series = [one for one in listed if _is_mr_series(one)]
    count = resource.get("numberOfSeries")
    return sequences_of(
        (text(one.get("description")) for one in series),
        complete=not isinstance(count, int) or count <= len(listed),
        pd_fat_suppressed_is_fluid_sensitive=bool(how.setting(PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE)),
    )


def _is_mr_series(series: Json) -> bool:
    found = list(codings(series.get("modality")))
    return not found or any(modality_of(system, code) == "MR" or code == "MR" for system, code in found)


def _settled(sequences: Sequences) -> Iterator[tuple[str, str]]:
    for name in ("stir", "t2", "t1", "dce"):
        state = getattr(sequences, name)
        if state is not None:
            yield name, state
