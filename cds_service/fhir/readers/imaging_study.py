"""ImagingStudy: which MR sequences were acquired, where and when."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.fhir.access import Json, codings, first_day, key_of, objects, text
from cds_service.fhir.readers.context import ReadingRules, place_in
from cds_service.fhir.readers.words import modality_named, site_named, words_of
from cds_service.fhir.sequences import Sequences, sequences_of
from cds_service.knowledge.codes.orders import Contrast, contrast_of, imaging_of, modality_of
from cds_service.knowledge.codes.sites import Place, settle
from cds_service.knowledge.settings import PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE
from cds_service.model.case import Problem, Statement
from cds_service.model.finding import Provenance

IGNORED_STATUS = ("entered-in-error", "cancelled", "registered")


def modality(resource: Json) -> str:
    """Return ``MR`` when the study, or any of its series, is magnetic resonance imaging, ``other`` when it is not.

    A study that names no modality is what its procedure or description says; empty when they do not say either.
    """
    # STU3 and DSTU2 list the modalities of a study under another name.
    told = (resource.get("modality"), resource.get("modalityList"))
    is_named = False
    for one in (*told, *(series.get("modality") for series in objects(resource.get("series")))):
        for system, code in codings(one):
            if _names_mr(system, code):
                return "MR"
            is_named = True
    if is_named:
        return "other"
    ordered = {one.modality for system, code in _procedures(resource) if (one := imaging_of(system, code))}
    if ordered:
        return "MR" if "MR" in ordered else "other"
    return modality_named(_words(resource))


def _names_mr(system: str, code: str) -> bool:
    # Some write the modality in small letters, or as what it is called.
    return modality_of(system, code) == "MR" or code.strip().upper() in ("MR", "MRI")


def _procedures(resource: Json) -> list[tuple[str, str]]:
    return [*codings(resource.get("procedureCode")), *codings(resource.get("procedure"))]


def _words(resource: Json) -> str:
    procedure = words_of(resource.get("procedureCode")) or words_of(resource.get("procedure"))
    return f"{text(resource.get('description'))}. {procedure}"


def study_place(resource: Json, how: ReadingRules) -> Place:
    """Return the part of the body a study covers, by its procedure code, the body sites of its MR series, or words.

    Each fills in what the one before leaves open: the words say which side, the series which joint of the pelvis.
    """
    ordered = [found.place for system, code in _procedures(resource) if (found := imaging_of(system, code))]
    # A series has its side beside its body site; the two are one place.
    series = [
        {**site, "laterality": [*objects(one.get("laterality"))]}
        for one in objects(resource.get("series"))
        if ("bodySite" in one or "laterality" in one) and _is_mr_series(one)
        for site in [*objects(one.get("bodySite"))] or [{}]
    ]
    place = settle(place_in({"bodySite": series}, how.aliases, "bodySite"), site_named(_words(resource)))
    for procedure in reversed(ordered):
        place = settle(procedure, place)
    return place


def study_day(resource: Json) -> str:
    """Return the day the study was done, or that of its first series, or empty."""
    if started := first_day(resource, "started"):
        return started
    return min((day for one in objects(resource.get("series")) if (day := first_day(one, "started"))), default="")


def read_sequences(resource: Json, how: ReadingRules, problems: list[Problem]) -> Iterator[Statement]:
    """Yield which sequences were, or were not, acquired; nothing for those the series do not settle.

    Why a sequence is left open, or was counted in another's place, is added to ``problems``.
    """
    key = key_of(resource)
    source = Provenance(key, study_day(resource))
    found = _sequences(resource, how)
    problems += [Problem("sequences", note, key) for note in found.note]
    for name, state in _settled(found):
        yield Statement(f"seq.{name}", state, source, study=key)


def _sequences(resource: Json, how: ReadingRules) -> Sequences:
    sent, count = resource.get("series"), resource.get("numberOfSeries")
    listed = list(objects(sent))
    series = [one for one in listed if _is_mr_series(one)]
    unreadable = isinstance(sent, list) and len(sent) > len(listed)
    return sequences_of(
        (text(one.get("description")) for one in series),
        # A count that cannot be read may be any: the list is then not known to be complete.
        complete=not unreadable and (count is None or (isinstance(count, int | float) and count <= len(listed))),
        pd_fat_suppressed_is_fluid_sensitive=bool(how.setting(PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE)),
        contrast_throughout=_contrast(resource) == {Contrast.WITH},
    )


def _contrast(resource: Json) -> set[Contrast]:
    """Return what the codes of the examination say of contrast."""
    named = [(imaging_of(*pair), contrast_of(*pair)) for pair in _procedures(resource)]
    return {found for imaging, alone in named if (found := alone or (imaging and imaging.contrast))}


def _is_mr_series(series: Json) -> bool:
    found = codings(series.get("modality"))
    return not found or any(_names_mr(system, code) for system, code in found)


def _settled(sequences: Sequences) -> Iterator[tuple[str, str]]:
    for name in ("stir", "t2", "t1", "dce"):
        state = getattr(sequences, name)
        if state is not None:
            yield name, state
