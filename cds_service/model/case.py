"""One patient's imaging problem as the engine sees it: lesions, their studies, the patient, the draft orders.

What is not in a mapping is not known. A lesion is one site group and side of one study (decision table 3.10.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.model.finding import Finding, Provenance, Value


@dataclass(frozen=True)
class Statement:
    """One thing the record says, before it is sorted into lesions.

    Attributes:
        fact: name of the fact.
        value: what is said of it.
        source: where it is said.
        site: a site id, or a region such as ``hip``; None when the record does not say.
        side: ``left``, ``right``, ``both`` or None.
        study: key of the study it belongs to; empty for what belongs to the patient.
        earlier_fact: the fact to record instead when the statement is older than the lesion's study
            (a diagnosis that was known before). Such a statement joins lesions but never makes one.
    """

    fact: str
    value: Value
    source: Provenance = Provenance()
    site: str | None = None
    side: str | None = None
    study: str = ""
    earlier_fact: str = ""


@dataclass(frozen=True)
class Study:
    """One imaging study and its report.

    Attributes:
        key: identifies the study within the case (a reference where there is one).
        date: ISO 8601 day it was done, or empty.
        site: site or region the study covers, when the record says so.
        side: its side, when the record says so.
        report: reference of the report that was read, or empty.
        issued: ISO 8601 day of the report, or empty.
        preliminary: whether the report may still change.
        version: changes when the report is written anew.
        findings: what is stated of the whole study (sequences, change from prior).
    """

    key: str
    date: str = ""
    site: str | None = None
    side: str | None = None
    report: str = ""
    issued: str = ""
    preliminary: bool = False
    version: str = ""
    findings: Mapping[str, Finding] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesion:
    """What is stated of one site group and side in one study.

    ``sites`` are the sites that show edema (or, without edema, those with any statement); ``possible_sites`` says
    what the site may be when the record only names a region.
    """

    group: str
    side: str | None
    sites: frozenset[str]
    study: Study
    findings: Mapping[str, Finding]
    possible_sites: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Draft:
    """One unsigned order of this call.

    ``reference`` is ``Type/id`` as the client names it, ``title`` the client's display of it (for card text),
    ``group`` and ``side`` the place it concerns, ``target`` the referral target it already asks for.
    """

    reference: str
    title: str = ""
    group: str | None = None
    side: str | None = None
    target: str = ""
    selected: bool = True
    findings: Mapping[str, Finding] = field(default_factory=dict)


@dataclass(frozen=True)
class PlacedOrder:
    """A referral that somebody already ordered: its target, the day, and where it was read."""

    target: str
    date: str
    reference: str


@dataclass(frozen=True)
class Problem:
    """Something in the record that could not be used, for the card and the trace.

    ``code`` is one of the fixed kinds (``rejected-value``, ``contradiction``, ``unreadable`` ...). ``about`` names the
    fact or resource type, or says in fixed words what it is (``sequences``); ``where`` is the resource. Never holds a
    value of the record.
    """

    code: str
    about: str
    where: str = ""


@dataclass(frozen=True)
class Case:
    """Everything a decision is made from."""

    patient: Mapping[str, Finding] = field(default_factory=dict)
    lesions: tuple[Lesion, ...] = ()
    drafts: tuple[Draft, ...] = ()
    placed: tuple[PlacedOrder, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class SiteMap:
    """How sites form lesions.

    Attributes:
        group_of: site or region -> lesion group.
        sites_in: region -> the sites it may stand for.
        shared: facts that lesions of one joint share, by joint.
        joint_of: lesion group -> joint, for the groups that share.
        labels: site or group -> what a clinician calls it.
    """

    group_of: Mapping[str, str]
    sites_in: Mapping[str, frozenset[str]]
    shared: Mapping[str, frozenset[str]]
    joint_of: Mapping[str, str]
    labels: Mapping[str, str]
