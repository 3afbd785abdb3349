"""What CDS Hooks 2.0.1 asks of the answers of a service: one small rule per requirement.

A rule carries the number of its requirement in the project's list of what binds a service ("74"), or a number of
its own ("house-3") where we promise more than the specification asks: what several clients need that do not agree
with each other, or what keeps a reader safe.

``check_discovery``, ``check_response`` and ``check_outcome`` take parsed JSON and return every violation. Any JSON may
be given: a part of the wrong kind is reported once, by the rule that asks for the kind, and nothing is looked for
inside it. Likewise ``null`` and empty values are reported by rules 5 to 7 alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.servicerequest import ServiceRequest
from markdown_it import MarkdownIt
from pydantic import ValidationError

Json: TypeAlias = Any
Found: TypeAlias = Iterator[tuple[str, str]]
"""What a rule finds: the JSON path of each fault and what is wrong there."""


class Kind(Enum):
    """The three kinds of answers that are checked."""

    DISCOVERY = "discovery"
    RESPONSE = "response"
    OUTCOME = "outcome"


@dataclass(frozen=True)
class Violation:
    """One fault of an answer: which rule it breaks, where, and how."""

    rule: str
    path: str
    message: str


@dataclass(frozen=True)
class Answer:
    """An answer to be checked, with the context of the request where it is known."""

    body: Json
    context: Mapping[str, Json] | None = None

    def services(self) -> Iterator[tuple[str, dict[str, Json]]]:
        return members("$", self.body, "services")

    def cards(self) -> Iterator[tuple[str, dict[str, Json]]]:
        return members("$", self.body, "cards")

    def sources(self) -> Iterator[tuple[str, dict[str, Json]]]:
        for path, card in self.cards():
            if isinstance(card.get("source"), dict):
                yield f"{path}.source", card["source"]

    def suggestions(self) -> Iterator[tuple[str, dict[str, Json]]]:
        for path, card in self.cards():
            yield from members(path, card, "suggestions")

    def system_actions(self) -> Iterator[tuple[str, dict[str, Json]]]:
        return members("$", self.body, "systemActions")

    def actions(self) -> Iterator[tuple[str, dict[str, Json]]]:
        for path, suggestion in self.suggestions():
            yield from members(path, suggestion, "actions")
        yield from self.system_actions()

    def links(self) -> Iterator[tuple[str, dict[str, Json]]]:
        for path, card in self.cards():
            yield from members(path, card, "links")

    def reasons(self) -> Iterator[tuple[str, dict[str, Json]]]:
        for path, card in self.cards():
            yield from members(path, card, "overrideReasons")

    def topics(self) -> Iterator[tuple[str, dict[str, Json]]]:
        for path, source in self.sources():
            if isinstance(source.get("topic"), dict):
                yield f"{path}.topic", source["topic"]

    def drafts(self) -> dict[str, dict[str, Json]]:
        """Return the draft orders of the request by their references."""
        orders = self.context.get("draftOrders") if self.context else None
        found = (entry.get("resource") for _, entry in members("$", orders, "entry"))
        return {local_reference(each): each for each in found if isinstance(each, dict)}

    def extensible(self) -> Iterator[tuple[str, dict[str, Json]]]:
        """Yield every object of the answer that the specification defines, FHIR resources left out."""
        if isinstance(self.body, dict):
            yield "$", self.body
        for objects in (
            self.services,
            self.cards,
            self.sources,
            self.topics,
            self.reasons,
            self.suggestions,
            self.actions,
            self.links,
        ):
            yield from objects()


@dataclass(frozen=True)
class Rule:
    """One requirement: its number, what it asks, the answers it is about, and how to find its faults."""

    number: str
    asks: str
    kinds: tuple[Kind, ...]
    find: Callable[[Answer], Found]


RULES: list[Rule] = []
ABOUT_EMPTY = ("5", "6", "7")
"""The rules about null and empty values: they alone speak of a place that holds one, and of what it lacks."""


def rule(number: str, asks: str, *kinds: Kind) -> Callable[[Callable[[Answer], Found]], Callable[[Answer], Found]]:
    """Enter the decorated function in ``RULES``; without kinds it is about responses."""

    def enter(find: Callable[[Answer], Found]) -> Callable[[Answer], Found]:
        RULES.append(Rule(number, asks, kinds or (Kind.RESPONSE,), find))
        return find

    return enter


def rules_for(kind: Kind) -> list[Rule]:
    """Return the rules about one kind of answer."""
    return [each for each in RULES if kind in each.kinds]


def check_discovery(body: Json) -> list[Violation]:
    """Return what is wrong with the body of an answer to ``GET /cds-services``."""
    return _check(Kind.DISCOVERY, Answer(body))


def check_response(body: Json, *, context: Mapping[str, Json] | None = None) -> list[Violation]:
    """Return what is wrong with the body of a 200 answer to a service call.

    With the ``context`` of the request, what actions touch is compared with what was sent.
    """
    return _check(Kind.RESPONSE, Answer(body, context))


def check_outcome(body: Json) -> list[Violation]:
    """Return what is wrong with the body of an answer that is not 200."""
    return _check(Kind.OUTCOME, Answer(body))


def _check(kind: Kind, answer: Answer) -> list[Violation]:
    empty = tuple(path for path, value in walk(answer.body) if blank(value))
    return [
        Violation(each.number, path, message)
        for each in rules_for(kind)
        for path, message in each.find(answer)
        if each.number in ABOUT_EMPTY
        or not any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in empty)
    ]


# ------------------------------------------------------------------------------------------ looking at JSON


def members(path: str, owner: Json, key: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the objects of the array ``owner[key]`` with their paths; nothing when it is not an array."""
    array = owner.get(key) if isinstance(owner, dict) else None
    for position, item in enumerate(array if isinstance(array, list) else []):
        if isinstance(item, dict):
            yield f"{path}.{key}[{position}]", item


def walk(value: Json, path: str = "$") -> Iterator[tuple[str, Json]]:
    """Yield everything inside ``value`` with its path, outermost first."""
    if isinstance(value, dict):
        inside = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        inside = [(f"{path}[{position}]", item) for position, item in enumerate(value)]
    else:
        inside = []
    for place, item in inside:
        yield place, item
        yield from walk(item, place)


def blank(value: Json) -> bool:
    """Tell whether a value is null or empty."""
    return value is None or value in ("", [], {})


def odd(owner: dict[str, Json], key: str, kind: type) -> bool:
    """Tell whether ``key`` has a value of another kind than ``kind``."""
    return key in owner and not isinstance(owner[key], kind)


def lacking(owner: dict[str, Json], key: str, kind: type) -> bool:
    """Tell whether a required ``key`` is left out or has a value of another kind."""
    return key not in owner or odd(owner, key, kind)


def text(owner: dict[str, Json], key: str) -> str:
    """Return the string at ``key``, or nothing when there is none."""
    value = owner.get(key)
    return value if isinstance(value, str) else ""


def local_reference(resource: dict[str, Json]) -> str:
    """Return the reference to a resource, such as ServiceRequest/123."""
    return f"{text(resource, 'resourceType')}/{text(resource, 'id')}"


def required_strings(path: str, owner: dict[str, Json], *keys: str) -> Found:
    for key in keys:
        if lacking(owner, key, str):
            yield f"{path}.{key}", "is required and a string"


def required_string(objects: Iterator[tuple[str, dict[str, Json]]], key: str) -> Found:
    for path, owner in objects:
        yield from required_strings(path, owner, key)


def optional_string(objects: Iterator[tuple[str, dict[str, Json]]], key: str) -> Found:
    for path, owner in objects:
        if odd(owner, key, str):
            yield f"{path}.{key}", "is a string"


def array_of_objects(objects: Iterator[tuple[str, dict[str, Json]]], key: str) -> Found:
    for path, owner in objects:
        if odd(owner, key, list):
            yield f"{path}.{key}", "is an array"
        for position, item in enumerate(owner[key] if isinstance(owner.get(key), list) else []):
            if not isinstance(item, dict):
                yield f"{path}.{key}[{position}]", "is an object"


def whole(answer: Answer) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the answer itself, when it is an object."""
    if isinstance(answer.body, dict):
        yield "$", answer.body


def is_absolute(url: str) -> bool:
    """Tell whether ``url`` is an absolute http(s) address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and not re.search(r"\s", url)
    except ValueError:
        return False


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RELATIVE_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[^\s/]+")

# ------------------------------------------------------------------------------------ A. null and empty values

OPTIONAL = re.compile(
    r"""\$\.(?:
        services\[\d+\]\.(?:title|prefetch|usageRequirements|version|hookVersion)
      | systemActions
      | cards\[\d+\]\.(?:
            uuid | detail | suggestions | selectionBehavior | overrideReasons | links
          | source\.(?:url|icon|topic|topic\.display)
          | suggestions\[\d+\]\.(?:uuid|isRecommended|actions)
          | links\[\d+\]\.(?:appContext|autolaunchable)
        )
      | (?:[^.]+\.)*extension
    )""",
    re.VERBOSE,
)
"""The attributes that the specification lets a service leave out."""


@rule("5", "no value is null", *Kind)
def nothing_is_null(answer: Answer) -> Found:
    for path, value in walk(answer.body):
        if value is None:
            yield path, "is null"


@rule("6", 'no value is "", [] or {}, except an empty list of cards or services', *Kind)
def nothing_is_empty(answer: Answer) -> Found:
    for path, value in walk(answer.body):
        listed = path in {"$.cards", "$.services"} and value == []
        if blank(value) and value is not None and not listed and not OPTIONAL.fullmatch(path):
            yield path, "is empty"


@rule("7", "an optional attribute without a value is left out", Kind.DISCOVERY, Kind.RESPONSE)
def optional_attributes_have_a_value(answer: Answer) -> Found:
    for path, value in walk(answer.body):
        if blank(value) and value is not None and OPTIONAL.fullmatch(path):
            yield path, "has no value and is there"


# -------------------------------------------------------------------------------------------- B. discovery

TOKEN = re.compile(r"\{\{(.*?)\}\}")
USER_TOKENS = {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
PUBLISHED_HOOK_VERSIONS = {"order-sign": "1.0", "order-select": "1.0", "patient-view": "1.0", "order-dispatch": "1.1"}
READ = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]+")
SEARCH = re.compile(r"[A-Z][A-Za-z]+\?(.+)")
PARAMETER = re.compile(
    r"""_count=[1-9]\d*
      | _sort=-?_?[a-z][a-z-]*(,-?_?[a-z][a-z-]*)*
      | (?:_id|[a-z][a-z-]*(?::in)?)=(?!(?:ne|sa|eb|ap)\d{4})[^\s&=]+
    """,
    re.VERBOSE,
)


def templates(answer: Answer) -> Iterator[tuple[str, str]]:
    for path, service in answer.services():
        prefetch = service.get("prefetch")
        for key, template in prefetch.items() if isinstance(prefetch, dict) else []:
            if isinstance(template, str) and template:
                yield f"{path}.prefetch.{key}", template


@rule("10", "the answer is an object that holds the array services", Kind.DISCOVERY)
def services_are_listed(answer: Answer) -> Found:
    if not isinstance(answer.body, dict):
        yield "$", "is an object"
    elif "services" not in answer.body:
        yield "$.services", "is required"
    yield from array_of_objects(whole(answer), "services")


@rule("13", "each service names its hook", Kind.DISCOVERY)
def services_name_their_hook(answer: Answer) -> Found:
    return required_string(answer.services(), "hook")


@rule("14", "each service has a title (recommended)", Kind.DISCOVERY)
def services_have_a_title(answer: Answer) -> Found:
    return required_string(answer.services(), "title")


@rule("15", "each service has a description", Kind.DISCOVERY)
def services_have_a_description(answer: Answer) -> Found:
    return required_string(answer.services(), "description")


@rule("16", "each service has an id that fits into its address", Kind.DISCOVERY)
def services_have_an_id(answer: Answer) -> Found:
    for path, service in answer.services():
        if lacking(service, "id", str) or not re.fullmatch(r"[A-Za-z0-9._~-]*", text(service, "id")):
            yield f"{path}.id", "is required and one segment of an address"


@rule("17", "prefetch maps keys to templates", Kind.DISCOVERY)
def prefetch_maps_keys_to_templates(answer: Answer) -> Found:
    for path, service in answer.services():
        if odd(service, "prefetch", dict):
            yield f"{path}.prefetch", "is an object"
        prefetch = service.get("prefetch")
        for key, template in prefetch.items() if isinstance(prefetch, dict) else []:
            if not isinstance(template, str):
                yield f"{path}.prefetch.{key}", "is a string"
            if not re.fullmatch(r"\S+( \S+)*", key):
                yield f"{path}.prefetch.{key}", "is under a key with spaces at its ends, or two together"


@rule("18", "usageRequirements is text", Kind.DISCOVERY)
def usage_requirements_are_text(answer: Answer) -> Found:
    return optional_string(answer.services(), "usageRequirements")


@rule("19", "version is a version of CDS Hooks", Kind.DISCOVERY)
def version_is_one_of_cds_hooks(answer: Answer) -> Found:
    for path, service in answer.services():
        wrong = odd(service, "version", str) or not re.fullmatch(
            r"|STU[1-9]|\d+\.\d+(\.\d+)?(-[\w.]+)?", text(service, "version")
        )
        if wrong:
            yield f"{path}.version", "is a release such as STU2, or a version such as 2.0.1"


@rule("20", "hookVersion is the published version of the hook", Kind.DISCOVERY)
def hook_version_is_the_published_one(answer: Answer) -> Found:
    for path, service in answer.services():
        version = text(service, "hookVersion")
        published = PUBLISHED_HOOK_VERSIONS.get(text(service, "hook"), version)
        if odd(service, "hookVersion", str) or version not in {"", published} or not re.fullmatch(r"[\d.]*", version):
            yield f"{path}.hookVersion", "is the version of the hook's definition"


@rule("21", "an id occurs once for a hook", Kind.DISCOVERY)
def an_id_occurs_once_for_a_hook(answer: Answer) -> Found:
    seen: set[tuple[str, str]] = set()
    for path, service in answer.services():
        entry = (text(service, "id"), text(service, "hook"))
        if entry in seen and all(entry):
            yield f"{path}.id", "is that of an earlier entry for the same hook"
        seen.add(entry)


@rule("22", "an extension is an object", Kind.DISCOVERY)
def discovery_extensions_are_objects(answer: Answer) -> Found:
    for path, owner in answer.extensible():
        if odd(owner, "extension", dict):
            yield f"{path}.extension", "is an object"


@rule("47", "prefetch tokens stand between {{ and }}", Kind.DISCOVERY)
def tokens_stand_between_double_braces(answer: Answer) -> Found:
    for path, template in templates(answer):
        if re.search(r"[{}]", TOKEN.sub("", template)):
            yield path, "has a brace that belongs to no token"


@rule("48", "a prefetch token is a field of the context or an id of the user", Kind.DISCOVERY)
def tokens_name_the_context_or_the_user(answer: Answer) -> Found:
    for path, template in templates(answer):
        for token in TOKEN.findall(template):
            if not token.startswith("context.") and token not in USER_TOKENS:
                yield path, f"has the token {token!r}"


@rule("49", "a prefetch token names a field at the root of the context", Kind.DISCOVERY)
def tokens_name_root_fields(answer: Answer) -> Found:
    for path, template in templates(answer):
        for token in TOKEN.findall(template):
            if token.startswith("context.") and not re.fullmatch(r"context\.[A-Za-z]\w*", token):
                yield path, f"has the token {token!r}"


@rule("50", "a prefetch template keeps to the queries that clients must know", Kind.DISCOVERY)
def templates_keep_to_the_known_queries(answer: Answer) -> Found:
    for path, template in templates(answer):
        filled = re.sub(r"[{}]", "", TOKEN.sub("x", template))
        search = SEARCH.fullmatch(filled)
        if search:
            for parameter in search[1].split("&"):
                if not PARAMETER.fullmatch(parameter):
                    yield path, f"has the parameter {parameter.partition('=')[0]!r}, or a value it cannot have"
        elif not READ.fullmatch(filled):
            yield path, "is neither Type/id nor Type?parameters"


# ---------------------------------------------------------------------------------------- G. the envelope


@rule("66", "the answer is an object that holds the array cards")
def cards_are_listed(answer: Answer) -> Found:
    if not isinstance(answer.body, dict):
        yield "$", "is an object"
    elif "cards" not in answer.body:
        yield "$.cards", "is required"
    yield from array_of_objects(whole(answer), "cards")


@rule("68", "systemActions is an array of actions")
def system_actions_are_listed(answer: Answer) -> Found:
    return array_of_objects(whole(answer), "systemActions")


SEVERITIES = ("fatal", "error", "warning", "information")
ISSUE_CODES = (
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
)  # fmt: skip
"""The codes of http://hl7.org/fhir/issue-severity and http://hl7.org/fhir/issue-type in R4."""


@rule("70", "an answer that is not 200 is an OperationOutcome", Kind.OUTCOME)
def errors_are_operation_outcomes(answer: Answer) -> Found:
    outcome = answer.body
    if not isinstance(outcome, dict):
        yield "$", "is an object"
        return
    if outcome.get("resourceType") != "OperationOutcome":
        yield "$.resourceType", "is OperationOutcome"
        return
    if lacking(outcome, "issue", list):
        yield "$.issue", "is required and an array"
        return
    faults = set(model_faults(OperationOutcome, outcome))
    for path, issue in members("$", outcome, "issue"):
        # The models leave it to terminology servers to know the codes.
        faults |= {f"{path}.severity"} if issue.get("severity") not in SEVERITIES else set()
        faults |= {f"{path}.code"} if issue.get("code") not in ISSUE_CODES else set()
    for path in sorted(faults):
        yield path, "is not what an OperationOutcome of R4 holds"


def model_faults(model: type[OperationOutcome] | type[ServiceRequest], resource: dict[str, Json]) -> Iterator[str]:
    """Yield the paths at which ``resource`` is not what the R4B model allows.

    Nothing while it holds null or empty values: the models refuse those, too, and rules 5 and 6 speak of them.
    """
    if any(blank(value) for _, value in walk(resource)):
        return
    try:
        model.model_validate(resource)
    except ValidationError as invalid:
        for error in invalid.errors():
            yield "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])


# ------------------------------------------------------------------------------------------------ H. card

MARKDOWN = MarkdownIt("gfm-like", {"html": True, "linkify": False})
"""GitHub's dialect, with HTML let through so that it can be seen; addresses need not become links for that."""


def markdown_tokens(detail: str) -> Iterator[tuple[str, str]]:
    """Yield type and content of every token that a GFM reader makes of ``detail``."""
    for block in MARKDOWN.parse(detail):
        yield block.type, block.content
        for inline in block.children or []:
            yield inline.type, inline.content


@rule("73", "the uuid of a card is a uuid")
def card_uuids_are_uuids(answer: Answer) -> Found:
    return uuids(answer.cards())


def uuids(objects: Iterator[tuple[str, dict[str, Json]]]) -> Found:
    for path, owner in objects:
        if odd(owner, "uuid", str) or (text(owner, "uuid") and not UUID.fullmatch(owner["uuid"])):
            yield f"{path}.uuid", "is a uuid in lower case"


@rule("74", "each card has a summary, one line of fewer than 140 characters")
def summaries_are_short(answer: Answer) -> Found:
    for path, card in answer.cards():
        summary = text(card, "summary")
        if lacking(card, "summary", str) or len(summary) >= 140 or re.search(r"[\r\n]", summary):
            yield f"{path}.summary", "is required and one line of fewer than 140 characters"


@rule("75", "detail is GitHub-flavoured Markdown, without HTML")
def details_are_markdown_without_html(answer: Answer) -> Found:
    for path, card in answer.cards():
        tags = [content for kind, content in markdown_tokens(text(card, "detail")) if kind.startswith("html_")]
        if odd(card, "detail", str) or tags:
            yield f"{path}.detail", f"is Markdown without HTML such as {tags[:1]}"


@rule("76", "the indicator is info, warning or critical")
def indicators_are_known(answer: Answer) -> Found:
    for path, card in answer.cards():
        if lacking(card, "indicator", str) or text(card, "indicator") not in {"", "info", "warning", "critical"}:
            yield f"{path}.indicator", "is required and one of info, warning, critical"


@rule("77", "each card has a source")
def cards_have_a_source(answer: Answer) -> Found:
    for path, card in answer.cards():
        if lacking(card, "source", dict):
            yield f"{path}.source", "is required and an object"


@rule("78", "suggestions is an array of suggestions")
def suggestions_are_listed(answer: Answer) -> Found:
    return array_of_objects(answer.cards(), "suggestions")


@rule("79", "a card with suggestions says how many may be chosen")
def selection_behavior_is_known(answer: Answer) -> Found:
    for path, card in answer.cards():
        needed = not blank(card.get("suggestions"))
        wrong = lacking(card, "selectionBehavior", str) if needed else odd(card, "selectionBehavior", str)
        if wrong or text(card, "selectionBehavior") not in {"", "any", "at-most-one"}:
            yield f"{path}.selectionBehavior", "is any or at-most-one"


@rule("80", "overrideReasons is an array of codings, each with a display")
def override_reasons_have_a_display(answer: Answer) -> Found:
    yield from array_of_objects(answer.cards(), "overrideReasons")
    yield from required_string(answer.reasons(), "display")


@rule("81", "links is an array of links")
def links_are_listed(answer: Answer) -> Found:
    return array_of_objects(answer.cards(), "links")


@rule("82", "an extension is an object")
def response_extensions_are_objects(answer: Answer) -> Found:
    for path, owner in answer.extensible():
        if odd(owner, "extension", dict):
            yield f"{path}.extension", "is an object"


# ------------------------------------------------------------------------------------ I. source and coding


@rule("84", "each source has a label")
def sources_have_a_label(answer: Answer) -> Found:
    return required_string(answer.sources(), "label")


@rule("85", "the url of a source is absolute")
def source_urls_are_absolute(answer: Answer) -> Found:
    return absolute_urls(answer.sources(), "url")


@rule("86", "the icon of a source is an absolute address")
def source_icons_are_absolute(answer: Answer) -> Found:
    return absolute_urls(answer.sources(), "icon")


def absolute_urls(objects: Iterator[tuple[str, dict[str, Json]]], key: str) -> Found:
    for path, owner in objects:
        if odd(owner, key, str) or (text(owner, key) and not is_absolute(owner[key])):
            yield f"{path}.{key}", "is an absolute address"


@rule("87", "the topic of a source is a coding")
def topics_are_codings(answer: Answer) -> Found:
    for path, source in answer.sources():
        if odd(source, "topic", dict):
            yield f"{path}.topic", "is an object"


@rule("88", "a coding has code and system, may have display, and is no FHIR Coding")
def codings_have_code_and_system(answer: Answer) -> Found:
    for path, coding in (*answer.topics(), *answer.reasons()):
        yield from required_strings(path, coding, "code", "system")
        for key in sorted(coding.keys() - {"code", "system", "display", "extension"}):
            yield f"{path}.{key}", "is not part of a CDS Hooks coding"
    for path, topic in answer.topics():
        if odd(topic, "display", str):
            yield f"{path}.display", "is a string"


# ---------------------------------------------------------------------------------- J. suggestions, actions


@rule("90", "each suggestion has a label")
def suggestions_have_a_label(answer: Answer) -> Found:
    return required_string(answer.suggestions(), "label")


@rule("91", "the uuid of a suggestion is a uuid")
def suggestion_uuids_are_uuids(answer: Answer) -> Found:
    return uuids(answer.suggestions())


@rule("92", "isRecommended is true or false, and true once where one may be chosen")
def recommendations_fit_the_selection(answer: Answer) -> Found:
    for path, suggestion in answer.suggestions():
        if odd(suggestion, "isRecommended", bool):
            yield f"{path}.isRecommended", "is true or false"
    for path, card in answer.cards():
        recommended = [each for _, each in members(path, card, "suggestions") if each.get("isRecommended") is True]
        if card.get("selectionBehavior") == "at-most-one" and len(recommended) > 1:
            yield f"{path}.suggestions", "has one recommended where one may be chosen"


@rule("93", "actions is an array of actions")
def actions_are_listed(answer: Answer) -> Found:
    return array_of_objects(answer.suggestions(), "actions")


@rule("95", "no suggestion uses actionSelectionBehavior, which clients may not know")
def no_suggestion_lets_choose_among_actions(answer: Answer) -> Found:
    for path, suggestion in answer.suggestions():
        if "actionSelectionBehavior" in suggestion:
            yield f"{path}.actionSelectionBehavior", "is left out"


@rule("96", "the type of an action is create, update or delete")
def action_types_are_known(answer: Answer) -> Found:
    for path, action in answer.actions():
        if lacking(action, "type", str) or text(action, "type") not in {"", "create", "update", "delete"}:
            yield f"{path}.type", "is required and one of create, update, delete"


@rule("97", "each action has a description, system actions too")
def actions_have_a_description(answer: Answer) -> Found:
    return required_string(answer.actions(), "description")


@rule("98", "create brings the new resource")
def create_brings_a_resource(answer: Answer) -> Found:
    return resources(answer, "create", "resourceType")


@rule("99", "update brings the whole resource, with its id and all that the draft holds")
def update_brings_the_whole_resource(answer: Answer) -> Found:
    yield from resources(answer, "update", "resourceType", "id")
    drafts = answer.drafts()
    for path, action in answer.actions():
        resource = action.get("resource")
        if action.get("type") == "update" and isinstance(resource, dict):
            draft = drafts.get(local_reference(resource), {})
            for key in sorted(draft.keys() - resource.keys()):
                if not blank(draft[key]):
                    yield f"{path}.resource.{key}", "is in the draft and left out here"


def resources(answer: Answer, action_type: str, *needed: str) -> Found:
    for path, action in answer.actions():
        if action.get("type") == action_type:
            if lacking(action, "resource", dict):
                yield f"{path}.resource", "is required and an object"
            else:
                yield from required_strings(f"{path}.resource", action["resource"], *needed)


@rule("100", "delete names the resource in resourceId, and does not bring it")
def delete_names_the_resource(answer: Answer) -> Found:
    for path, action in answer.actions():
        if action.get("type") == "delete":
            reference = text(action, "resourceId")
            if lacking(action, "resourceId", str) or (reference and not RELATIVE_REFERENCE.fullmatch(reference)):
                yield f"{path}.resourceId", "is required and a reference such as ServiceRequest/123"
            if "resource" in action:
                yield f"{path}.resource", "is left out of a delete"


@rule("101", "a system action holds what an action holds, and no more")
def system_actions_are_actions(answer: Answer) -> Found:
    for path, action in answer.system_actions():
        for key in sorted(action.keys() - ACTION):
            yield f"{path}.{key}", "is not part of an action"


# ----------------------------------------------------------------------------------------------- K. links


@rule("103", "each link has label, url and type")
def links_have_label_url_and_type(answer: Answer) -> Found:
    for path, link in answer.links():
        yield from required_strings(path, link, "label", "url", "type")


@rule("104", "a link is absolute or smart, and its url is an absolute address")
def links_are_absolute_or_smart(answer: Answer) -> Found:
    for path, link in answer.links():
        if text(link, "type") not in {"", "absolute", "smart"}:
            yield f"{path}.type", "is absolute or smart"
        if text(link, "url") and not is_absolute(link["url"]):
            yield f"{path}.url", "is an absolute address"


@rule("106", "appContext is a string, on smart links only")
def app_context_is_on_smart_links_only(answer: Answer) -> Found:
    for path, link in answer.links():
        if odd(link, "appContext", str) or ("appContext" in link and text(link, "type") not in {"", "smart"}):
            yield f"{path}.appContext", "is a string on a smart link"


@rule("107", "autolaunchable is true or false")
def autolaunchable_is_a_boolean(answer: Answer) -> Found:
    for path, link in answer.links():
        if odd(link, "autolaunchable", bool):
            yield f"{path}.autolaunchable", "is true or false"


# -------------------------------------------------------------------------------------------- M. extensions


@rule("118", "the keys of an extension are reverse domain names", Kind.DISCOVERY, Kind.RESPONSE)
def extension_keys_are_unique_in_the_world(answer: Answer) -> Found:
    for path, owner in answer.extensible():
        extension = owner.get("extension")
        for key in extension if isinstance(extension, dict) else ():
            if not re.fullmatch(r"[a-z][a-z0-9-]*(\.[A-Za-z0-9_-]+)+", key):
                yield f"{path}.extension.{key}", "is under a reverse domain name such as com.example.note"


# ------------------------------------------------------------------------------- what we promise beyond that

SERVICE = {
    "hook", "title", "description", "id", "prefetch", "usageRequirements", "version", "hookVersion", "extension"
}  # fmt: skip
ENVELOPE = {"cards", "systemActions", "extension"}
CARD = {
    "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons", "links",
    "extension",
}  # fmt: skip
SOURCE = {"label", "url", "icon", "topic", "extension"}
SUGGESTION = {"label", "uuid", "isRecommended", "actions", "actionSelectionBehavior", "extension"}
ACTION = {"type", "description", "resource", "resourceId", "extension"}
LINK = {"label", "url", "type", "appContext", "autolaunchable", "extension"}


@rule("house-1", "each source has a topic with a short fixed code: overrides are remembered by it")
def sources_have_a_topic(answer: Answer) -> Found:
    for path, source in answer.sources():
        topic = source.get("topic")
        if "topic" not in source:
            yield f"{path}.topic", "is there"
        elif isinstance(topic, dict) and not re.fullmatch(r"[A-Za-z0-9-]{0,100}", text(topic, "code")):
            yield f"{path}.topic.code", "has letters, digits and hyphens, 100 at most"


@rule("house-2", "suggestions may be chosen freely: some clients know no other selectionBehavior")
def suggestions_may_be_chosen_freely(answer: Answer) -> Found:
    for path, card in answer.cards():
        if card.get("selectionBehavior") == "at-most-one":
            yield f"{path}.selectionBehavior", "is any"


@rule("house-3", "each suggestion has exactly one action: some clients carry out no more")
def suggestions_have_one_action(answer: Answer) -> Found:
    for path, suggestion in answer.suggestions():
        actions = suggestion.get("actions")
        if "actions" not in suggestion or (isinstance(actions, list) and len(actions) > 1):
            yield f"{path}.actions", "is one action"


@rule("house-4", "the links of a card are all absolute or all smart")
def links_of_a_card_are_of_one_type(answer: Answer) -> Found:
    for path, card in answer.cards():
        if {"absolute", "smart"} <= {text(link, "type") for _, link in members(path, card, "links")}:
            yield f"{path}.links", "mixes absolute and smart links"


@rule("house-5", "detail shows no images: to fetch one tells a stranger that the card was read")
def details_have_no_images(answer: Answer) -> Found:
    for path, card in answer.cards():
        if any(kind == "image" for kind, _ in markdown_tokens(text(card, "detail"))):
            yield f"{path}.detail", "shows an image"


@rule("house-6", "no uuid is given twice: dismissing one card would hide the other")
def uuids_are_given_once(answer: Answer) -> Found:
    given = [(path, text(owner, "uuid")) for path, owner in (*answer.cards(), *answer.suggestions())]
    times = Counter(uuid for _, uuid in given if uuid)
    for path, uuid in given:
        if times[uuid] > 1:
            yield f"{path}.uuid", "is given to another card or suggestion, too"


@rule("house-7", "each card and suggestion has a uuid: without it no feedback comes")
def cards_and_suggestions_have_a_uuid(answer: Answer) -> Found:
    for path, owner in (*answer.cards(), *answer.suggestions()):
        if "uuid" not in owner:
            yield f"{path}.uuid", "is there"


def created(answer: Answer) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the resources that suggestions and system actions create."""
    for path, action in answer.actions():
        resource = action.get("resource")
        if action.get("type") == "create" and isinstance(resource, dict) and text(resource, "resourceType"):
            yield f"{path}.resource", resource


def changed(answer: Answer) -> Found:
    """Yield where an action names a resource that is there already, and the reference to it."""
    for path, action in answer.actions():
        resource = action.get("resource")
        if action.get("type") == "update" and isinstance(resource, dict):
            if RELATIVE_REFERENCE.fullmatch(local_reference(resource)):
                yield f"{path}.resource.id", local_reference(resource)
        elif action.get("type") == "delete" and RELATIVE_REFERENCE.fullmatch(text(action, "resourceId")):
            yield f"{path}.resourceId", action["resourceId"]


@rule("house-8", "a created resource is a ServiceRequest that the R4B model accepts, with a coded code")
def created_resources_are_service_requests(answer: Answer) -> Found:
    for path, resource in created(answer):
        if resource["resourceType"] != "ServiceRequest":
            yield f"{path}.resourceType", "is ServiceRequest"
            continue
        faults = list(model_faults(ServiceRequest, resource))
        for fault in faults:
            yield path + fault[1:], "is not what a ServiceRequest of R4B holds"
        if not faults and not any(coding.get("code") for _, coding in members("", resource.get("code"), "coding")):
            yield f"{path}.code.coding[0].code", "is there"


@rule("house-9", "a created order is a draft or proposal for the patient of the context")
def created_orders_are_drafts_for_the_patient(answer: Answer) -> Found:
    patient = f"Patient/{answer.context['patientId']}" if answer.context and "patientId" in answer.context else None
    for path, resource in created(answer):
        if resource.get("status", "draft") != "draft":
            yield f"{path}.status", "is draft"
        if resource.get("intent", "proposal") not in ("proposal", "order"):
            yield f"{path}.intent", "is proposal or order"
        subject = resource.get("subject")
        if patient and isinstance(subject, dict) and subject.get("reference") != patient:
            yield f"{path}.subject.reference", "is the patient of the context"


@rule("house-10", "an update or a delete touches a draft of the request, nothing else")
def changes_touch_drafts_only(answer: Answer) -> Found:
    if answer.context is None:
        return
    drafts = answer.drafts()
    for path, reference in changed(answer):
        if reference not in drafts:
            yield path, "is that of no draft in the request"


@rule("house-11", "no attribute that the specification does not define", Kind.DISCOVERY, Kind.RESPONSE)
def only_defined_attributes(answer: Answer) -> Found:
    envelope = {"services", "extension"} if isinstance(answer.body, dict) and "services" in answer.body else ENVELOPE
    system_actions = {path for path, _ in answer.system_actions()}
    defined = (
        (whole(answer), envelope),
        (answer.services(), SERVICE),
        (answer.cards(), CARD),
        (answer.sources(), SOURCE),
        (answer.suggestions(), SUGGESTION),
        (answer.actions(), ACTION),
        (answer.links(), LINK),
    )
    for objects, known in defined:
        for path, owner in objects:
            for key in sorted(owner.keys() - known) if path not in system_actions else ():
                yield f"{path}.{key}", "is not defined by CDS Hooks"


@rule("house-12", "an id is used for one hook: some clients know a service by its address alone", Kind.DISCOVERY)
def ids_are_used_for_one_hook(answer: Answer) -> Found:
    hooks: dict[str, str] = {}
    for path, service in answer.services():
        name, hook = text(service, "id"), text(service, "hook")
        if name and hook and hooks.setdefault(name, hook) != hook:
            yield f"{path}.id", "is that of an entry for another hook"


@rule("house-13", "a search parameter occurs once: some clients join the values into one list", Kind.DISCOVERY)
def search_parameters_occur_once(answer: Answer) -> Found:
    for path, template in templates(answer):
        names = Counter(parameter.partition("=")[0] for parameter in template.partition("?")[2].split("&"))
        for name, times in names.items():
            if times > 1:
                yield path, f"has {name!r} {times} times"


@rule("house-14", "what is written for people holds no <: some clients show it as HTML", Kind.DISCOVERY)
def discovery_texts_hold_no_markup(answer: Answer) -> Found:
    for path, service in answer.services():
        for key in ("title", "description", "usageRequirements"):
            if "<" in text(service, key):
                yield f"{path}.{key}", "holds a <"


@rule("house-15", "each issue says in words what is wrong", Kind.OUTCOME)
def issues_say_what_is_wrong(answer: Answer) -> Found:
    for path, issue in members("$", answer.body, "issue"):
        details = issue.get("details")
        if not isinstance(details, dict) or lacking(details, "text", str):
            yield f"{path}.details.text", "is there"
