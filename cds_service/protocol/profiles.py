"""What kinds of CDS clients need of an answer, beyond CDS Hooks: one value each, chosen by setting.

A profile is chosen for all callers (``BME_PROFILE``) and for a client (``profile`` in ``BME_CLIENTS``). What every
client needs is not here but in every answer: one action in a suggestion, ``selectionBehavior`` any, uuids, a topic, a
coding in every suggested order, no links of two kinds on a card.

Sources: the Sandbox's code (3b7e255); Epic's page on CDS Hooks (fhir.epic.com, docId=cds-hooks, read as of 2024); the
guide of Da Vinci CRD (2.2) and the checks of Inferno's davinci-crd-test-kit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ProfileName(StrEnum):
    """The kinds of clients."""

    GENERIC = "generic"
    SANDBOX = "sandbox"
    EPIC = "epic"
    CRD = "crd"


@dataclass(frozen=True)
class Profile:
    """What a kind of client needs.

    Attributes:
        name: how it is chosen.
        origins: where its pages come from, which call from a browser; patterns as flask-cors takes them.
        changes_drafts: whether it can carry out the change of a draft order.
        order_systems: it can place an order only by a code of one of these systems; by any code if there are none.
        topic_for_each_message: whether an override silences all that comes under the same topic code, so that the code
            must tell messages apart; it then holds letters and digits only.
        names_orders: whether a card about a draft order says which in a form for programs, too.
        system_actions_on: hooks whose answers must hold a list of system actions, be it an empty one.
    """

    name: ProfileName = ProfileName.GENERIC
    origins: tuple[str, ...] = ()
    changes_drafts: bool = True
    order_systems: frozenset[str] = frozenset()
    topic_for_each_message: bool = False
    names_orders: bool = False
    system_actions_on: frozenset[str] = frozenset()


GENERIC = Profile()

PROFILES: Mapping[ProfileName, Profile] = {
    ProfileName.GENERIC: GENERIC,
    ProfileName.SANDBOX: Profile(
        ProfileName.SANDBOX,
        # The public one, and a copy that somebody runs on this machine.
        origins=("https://sandbox.cds-hooks.org", r"^http://localhost:[0-9]{1,5}$"),
        # Its imaging tab fails on the update of an order without Argonaut's pama-rating, which is not ours to give, and
        # the others pass over it. The card says the same in words.
        changes_drafts=False,
    ),
    ProfileName.EPIC: Profile(
        ProfileName.EPIC,
        # A suggestion creates or deletes there; an update is known as a system action only.
        changes_drafts=False,
        # An order takes nothing of ours but which one it is, by a key that the site's staff assigned.
        order_systems=frozenset(
            {
                "urn:com.epic.cdshooks.action.code.system.preference-list-item",
                "urn:com.epic.cdshooks.action.code.system.orderset-item",
            }
        ),
        # Alphanumeric, 100 at most. An override is remembered by it.
        topic_for_each_message=True,
    ),
    ProfileName.CRD: Profile(
        ProfileName.CRD,
        # CRD 2.2, dev-25.
        names_orders=True,
        # Inferno asks for it (crd_service_response_validation) and takes an empty one, although CDS Hooks leaves out
        # what is empty (requirement 7). None of our actions may be carried out unseen.
        system_actions_on=frozenset({"order-sign"}),
    ),
}
