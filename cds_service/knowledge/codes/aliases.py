"""What a site may say of its own codes, and the check that it says something.

A setting maps ``(system, code)`` to one of:

* a finding, diagnosis or context fact: ``erosion``, ``osteomyelitis``, ``diabetes``;
* the same with a state or a choice: ``bme=indeterminate``, ``t1_signal=low``;
* ``site=femoral_head``, ``site=si_joint/left``, ``side=left``, ``state=absent``, ``state=unknown``,
  ``medicine=nsaid``, ``referral=rheumatology``.

Every look-up asks the site's mapping first, so a site can also correct a code of ours.
"""

from __future__ import annotations

from difflib import get_close_matches

from cds_service.knowledge.codes.context import CONTEXT_FACTS
from cds_service.knowledge.codes.diagnoses import DIAGNOSES
from cds_service.knowledge.codes.entry import Aliases
from cds_service.knowledge.codes.findings import CHOICES, QUANTITIES, YES_NO_FINDINGS
from cds_service.knowledge.codes.medications import Medicine
from cds_service.knowledge.codes.referrals import TARGET_CODES
from cds_service.knowledge.codes.sites import JOINTS, SIDES, SITES
from cds_service.model.finding import State

_STATES = frozenset(State)
_PLACES = frozenset({*SITES, *JOINTS})

VALUES: dict[str, frozenset[str]] = {
    **dict.fromkeys(YES_NO_FINDINGS | DIAGNOSES | CONTEXT_FACTS, _STATES | {""}),
    **{name: frozenset(choices) | {""} for name, choices in CHOICES.items()},
    **dict.fromkeys(QUANTITIES, frozenset({""})),
    "site": _PLACES | {f"{place}/{side}" for place in _PLACES for side in SIDES},
    "side": SIDES,
    "state": _STATES | {"unknown"},
    "medicine": frozenset(Medicine),
    "referral": frozenset(TARGET_CODES.values()),
}
"""For each name an alias may use, the values that may follow its ``=``; the empty one where none is needed."""


def check_aliases(aliases: Aliases) -> None:
    """Raise ValueError when an alias names something no reader would understand. Call it when settings are read."""
    for (system, code), text in aliases.items():
        name, _, value = (part.strip() for part in text.partition("="))
        where = f"alias for {code} of {system}"
        if name not in VALUES:
            near = get_close_matches(name, VALUES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(VALUES))}"
            raise ValueError(f"{where}: there is no fact {name!r}{hint}")
        if value not in VALUES[name]:
            allowed = ", ".join(sorted(VALUES[name] - {""})) or "no value"
            raise ValueError(f"{where}: {name} cannot be {value!r}; it takes {allowed}")
