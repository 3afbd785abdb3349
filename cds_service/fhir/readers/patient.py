"""Patient: age and sex."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from cds_service.fhir.access import Json, day, key_of, text
from cds_service.fhir.readers.context import ReadingRules
from cds_service.model.case import Statement
from cds_service.model.finding import Provenance
from cds_service.model.quantity import Range

OLDEST_YEARS = 130


def read_patient(resource: Json, how: ReadingRules) -> Iterator[Statement]:
    """Yield age in whole years (a range when only the year or month of birth is known) and sex."""
    source = Provenance(key_of(resource))
    age = _age(text(resource.get("birthDate")), how.today)
    if age is not None:
        yield Statement("age", age, source)
    sex = text(resource.get("gender"))
    if sex in ("male", "female", "other"):
        yield Statement("sex", sex, source)


def _age(birth_date: str, today: date) -> Range | None:
    """Return the age in years, or None without a usable date of birth that is not in the future."""
    exact = day(birth_date)
    if exact:
        born = date.fromisoformat(exact)
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        low = high = years
    else:
        found = re.match(r"(\d{4})", birth_date)
        if found is None:
            return None
        high = today.year - int(found[1])
        low = high - 1
    if low < 0 or high > OLDEST_YEARS:
        return None
    return Range(Decimal(low), Decimal(high))
