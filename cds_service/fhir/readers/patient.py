"""Patient: age, sex, and whether the patient has died."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from cds_service.fhir.access import Json, day, earliest_day, key_of, text
from cds_service.fhir.readers.context import ReadingRules
from cds_service.model.case import Statement
from cds_service.model.finding import Provenance
from cds_service.model.quantity import Range

OLDEST_YEARS = 130
_YEAR_OR_MONTH = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2]))?")


def read_patient(resource: Json, how: ReadingRules) -> Iterator[Statement]:
    """Yield age in whole years (a range when only the year or month of birth is known) and sex."""
    source = Provenance(key_of(resource))
    age = _age(text(resource.get("birthDate")), how.today)
    if age is not None:
        yield Statement("age", age, source)
    sex = text(resource.get("gender")).strip().lower()
    if sex in ("male", "female", "other"):
        yield Statement("sex", sex, source)


def is_deceased(resource: Json, today: date) -> bool:
    """Whether a Patient says that the patient has died, by ``deceasedBoolean`` or a ``deceasedDateTime`` not to come.

    False when it does not say, or says it in a way that cannot be read.
    """
    died = earliest_day(text(resource.get("deceasedDateTime")))
    # One day may lie between the server's time zone and ours.
    return resource.get("deceasedBoolean") is True or (bool(died) and (date.fromisoformat(died) - today).days <= 1)


def _age(birth_date: str, today: date) -> Range | None:
    """Return the age in years, or None without a usable date of birth that is not in the future."""
    exact = day(birth_date)
    found = _YEAR_OR_MONTH.fullmatch(birth_date)
    if exact:
        born = date.fromisoformat(exact)
        high = low = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    elif found is not None:
        # In the year or month of the birthday it is not known whether it has been.
        month = int(found[2] or today.month)
        high = today.year - int(found[1]) - (today.month < month)
        low = high - 1 if month == today.month else high
    else:
        return None
    if high < 0 or high > OLDEST_YEARS:
        return None
    return Range(Decimal(max(low, 0)), Decimal(high))
