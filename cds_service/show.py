"""Cards and traces as a person sees them in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cds_service.cards import wording
from cds_service.cards.reasons import reasons
from cds_service.cards.text import plain
from cds_service.engine.assess import Outcome, RuleResult
from cds_service.engine.what_if import decisive
from cds_service.fhir.narrative import LONGEST_QUOTE
from cds_service.fhir.readers import ReportOutcome, ReportReading
from cds_service.model.finding import Finding
from cds_service.model.rule import RuleSet
from cds_service.service import Answer

COLOUR = {"critical": "red", "warning": "yellow", "info": "blue"}
OUTCOME_STYLE = {
    Outcome.FIRED: "bold green",
    Outcome.FIRED_IN_DOUBT: "green",
    Outcome.EXCEPTED: "magenta",
    Outcome.UNDECIDED: "yellow",
    Outcome.NOT_MET: "dim",
}
REASON_STYLE = {"when": "dim", "not-assessed": "yellow"}


def cards_panel(cards: list[Any]) -> RenderableType:
    """Return all cards of a response, or a line that says there are none."""
    if not cards:
        return Text(wording.NO_CARD, style="dim")
    return Group(*(_card(card) for card in cards))


def card_lines(cards: list[Any]) -> RenderableType:
    """Return one line for each card of a response, coloured by urgency."""
    if not cards:
        return Text("  no card", style="dim")
    return Group(*(Text(f"  {card['summary']}", style=COLOUR.get(card["indicator"], "white")) for card in cards))


def _card(card: Any) -> Panel:
    parts: list[RenderableType] = [Text(card["summary"], style="bold"), Text(), Markdown(card.get("detail", ""))]
    for suggestion in card.get("suggestions", []):
        parts.append(Text(f"[ {suggestion['label']} ]", style="bold reverse"))
    reasons = len(card.get("overrideReasons", []))
    parts.append(Text(f"Source: {card['source']['label']}   Override: {reasons} reasons", style="dim"))
    return Panel(
        Group(*parts),
        title=card["indicator"],
        title_align="left",
        border_style=COLOUR.get(card["indicator"], "white"),
    )


def reading_panel(result: Mapping[str, Any], reports: Iterable[ReportReading]) -> RenderableType:
    """Return what was read in one file (``reading.as_json``) as a table, and what became of its reports."""
    table = Table("finding", "state", "site", "side", "change", "how", "words", box=SIMPLE)
    for one in result["findings"]:
        value = one["value"]
        if isinstance(value, list):
            value = " to ".join("…" if bound is None else f"{bound}" for bound in value)
        cells = [one["finding"], one["state"] or f"{value} {one['unit'] or ''}".strip(), one["site"], one["side"]]
        place = "" if one["start"] is None else f" [{one['start']}-{one['end']}]"
        words = plain(one["quote"] or "", LONGEST_QUOTE) + place
        table.add_row(*(Text(cell or "") for cell in [*cells, one["change"], one["how"].replace("_", " "), words]))
    parts: list[RenderableType] = [Text(result["file"], style="bold"), *(report_line(report) for report in reports)]
    parts += [Text(f"not used: {gap}", style="yellow") for gap in result.get("gaps", [])]
    return Group(*parts, table if result["findings"] else Text("no finding", style="dim"), "")


def trace_tree(answer: Answer, rules: RuleSet) -> Tree:
    """Return why each rule did or did not fire, lesion by lesion, with what was read and where."""
    assessment = answer.assessment
    labels = dict(rules.sites.labels)
    tree = Tree(f"[bold]{assessment.tier.name.lower()}[/bold]")
    for chosen in (*answer.selection.shown, *answer.selection.named, *answer.selection.held_back):
        tree.add(Text(f"{chosen.diagnosis.label}: {chosen.why.value}"))
    for silence in answer.selection.silences:
        reason = f" ({silence.reason})" if silence.reason else ""
        until = f"{silence.until:%Y-%m-%d %H:%M} UTC"
        tree.add(Text(f"silent until {until}: {silence.subject.key}: {silence.outcome}{reason}", style="yellow"))
    if assessment.not_assessed:
        tree.add(Text(f"not assessed: {', '.join(assessment.not_assessed)}", style="yellow"))
    for problem in (*assessment.conflicts, *answer.reading.case.problems):
        tree.add(Text(f"{problem.code}: {problem.about} {problem.where}", style="yellow"))
    for report in answer.reading.reports:
        tree.add(report_line(report))
    for gap in answer.gaps:
        tree.add(Text(f"not checked: {gap}", style="yellow"))
    _decisive(tree, answer, rules)
    for place, lesion in enumerate(assessment.case.lesions):
        where = tree.add(Text(f"{wording.place_of(lesion, labels)}, study {lesion.study.key}", style="bold"))
        stated = where.add("stated")
        for finding in (*lesion.findings.values(), *lesion.study.findings.values()):
            stated.add(_finding(finding, rules))
        for cause in rules.causes:
            results = [
                result
                for result in assessment.trace
                if result.rule.about == cause and result.place == place and result.rule.step.name != "ORDER"
            ]
            if results:
                branch = where.add(Text(rules.causes[cause].label, style="bold"))
                for result in results:
                    _rule(branch, result)
        _rules_of_record(where, [r for r in assessment.trace if not r.rule.about and r.place == place])
    patient = tree.add("patient")
    for finding in assessment.case.patient.values():
        patient.add(_finding(finding, rules))
    return tree


def report_line(report: ReportReading) -> Text:
    """Return what became of one report."""
    about = " ".join(part for part in ("report", report.key, report.day) if part)
    unread = report.outcome is ReportOutcome.NOT_READ
    why = report.reason and (f": {report.reason}" if unread else f", in part: {report.reason}")
    return Text(f"{about}: {report.outcome}{why or ''}", style="yellow" if report.reason else "")


def _decisive(tree: Tree, answer: Answer, rules: RuleSet) -> None:
    """Add the missing facts that would change the answer, the most decisive first."""
    found = decisive(answer.assessment, rules, answer.settings)
    if not found:
        return
    branch = tree.add("would change the answer, if known")
    for one in found:
        changes = [
            f"{wording.value_of(one.fact, change.value)}: {change.tier.name.lower()}, {change.leading or 'no cause'}"
            for change in one.changes
        ]
        branch.add(Text(f"{one.fact.label} ({'; '.join(changes)})"))


def _rules_of_record(where: Tree, results: list[RuleResult]) -> None:
    shown = [result for result in results if result.fired and result.rule.step.name != "ORDER"]
    if shown:
        branch = where.add(Text("the record itself", style="bold"))
        for result in shown:
            _rule(branch, result)


def _rule(branch: Tree, result: RuleResult) -> None:
    line = Text.assemble(
        (result.outcome.value, OUTCOME_STYLE[result.outcome]), f"  {result.rule.id} ({result.rule.row})"
    )
    node = branch.add(line)
    for kind, words in reasons(result):
        node.add(Text(words, style=REASON_STYLE.get(kind, "")))


def _finding(finding: Finding, rules: RuleSet) -> Text:
    told = [
        " ".join(part for part in (source.reference, source.date, source.trust.name.lower(), source.quote) if part)
        for source in finding.sources
    ]
    return Text(f"{wording.finding_of(rules.facts[finding.fact], finding)}  [{' | '.join(told)}]")


def console(*, error: bool = False) -> Console:
    """Return a console that is plain when its output is not a terminal."""
    return Console(stderr=error, highlight=False, soft_wrap=False)
