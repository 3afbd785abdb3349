"""What a text in the record says, as statements: of lesions, of the study, and of the patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cds_service.fhir.narrative import Section, read_text
from cds_service.fhir.readers.context import ReadingRules
from cds_service.fhir.sequences import sequences_named
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.settings import PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE, SUGGESTIVE_IS_PRESENT
from cds_service.model.case import Statement
from cds_service.model.condition import Scope
from cds_service.model.finding import Provenance, Trust

ALSO_NAMED = {"charcot": ("named.charcot",)}
"""Context that a report or an imaging observation names as a diagnosis of its place."""

OF_THE_REGION = frozenset({"acute_pain", "acute_trauma", "foot_ulcer"})
"""What a text says of the patient and means of the imaged region (decision table 3.10.7)."""


def in_words(words: str, source: Provenance, place: Place, study: str, how: ReadingRules) -> Iterator[Statement]:
    """Yield what a text says, each with its words and where they stand.

    ``source`` says where the text was found and how far it is trusted, ``place`` what its study shows.
    """
    reading = read_text(
        words,
        trust=source.trust,
        default_site=place.site,
        default_side=place.side,
        suggestive_is_present=bool(how.setting(SUGGESTIVE_IS_PRESENT)),
    )
    for told in reading.statements:
        fact = how.rules.facts.get(told.fact)
        if fact is None:
            continue
        section = "" if told.section is Section.UNTITLED else told.section.value
        where = Provenance(source.reference, source.date, told.trust, told.quote, told.start, told.end, section)
        if fact.scope is Scope.PATIENT and told.fact not in ALSO_NAMED:
            site = told.site or (place.site if told.fact in OF_THE_REGION else None)
            yield Statement(told.fact, told.value, where, site, told.side)
            continue
        for name in (told.fact, *ALSO_NAMED.get(told.fact, ())):
            yield Statement(name, told.value, where, told.site, told.side, study)
    if not reading.technique:
        return
    fluid = bool(how.setting(PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE))
    for sequence in sorted(sequences_named(reading.technique, pd_fat_suppressed_is_fluid_sensitive=fluid)):
        where = replace(
            source, trust=Trust.FINDINGS_TEXT, quote=reading.technique.strip(), section=Section.TECHNIQUE.value
        )
        yield Statement(f"seq.{sequence}", "acquired", where, study=study)
