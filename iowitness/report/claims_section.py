"""The page's head, its first section (system and claims) and its second (verdicts)."""

from iowitness.report.claim_words import claim_sentence
from iowitness.report.markup import Markup, joined, number_head, table, tag
from iowitness.report.quantities import count_text
from iowitness.report.run_report import RunReport
from iowitness.report.verdict_words import (
    SYMBOLS,
    agreement_sentence,
    contracts_sentence,
    figure_words,
)
from iowitness.specs.verdict import Outcome, Verdict


def page_head(report: RunReport) -> Markup:
    """The result at a glance."""
    return tag(
        "header",
        tag("p", f"iowitness · suite {report.suite} · {report.started_at}", class_="kicker"),
        tag("h1", outcome_badge(report.outcome), " ", contracts_sentence(report)),
        tag("p", agreement_sentence(report), class_="lede"),
        class_="head",
    )


def outcome_badge(outcome: Outcome) -> Markup:
    """The word of a verdict, with its sign."""
    return tag(
        "span",
        tag("span", SYMBOLS[outcome], aria_hidden="true"),
        f" {outcome.value}",
        class_=f"badge {outcome.value.lower()}",
    )


def claims_section(report: RunReport) -> Markup:
    """What ran, where, and what was claimed of it."""
    environment = report.environment
    facts = [
        ("program", _program(report)),
        (
            "machine",
            ", ".join(filter(None, (environment.kernel, environment.machine))),
        ),
        ("files under", report.data_root or "any folder"),
    ]
    return joined(
        tag("dl", [(tag("dt", name), tag("dd", text)) for name, text in facts], class_="facts"),
        _claims(report),
    )


def _program(report: RunReport) -> str:
    if report.workload is not None:
        return "iowitness's own log, under its workload"
    return " ".join(report.observed.provenance.program) or "a program that was attached to"


def _claims(report: RunReport) -> Markup:
    rows = [
        tag(
            "tr",
            tag("th", verdict.contract, scope="row"),
            tag("td", claim_sentence(verdict.claim)),
            tag("td", _parameters(verdict)),
        )
        for verdict in report.verdicts
    ]
    return joined(
        tag("h3", "Claims"),
        table(("contract", "what it says", "parameters"), rows, class_="plain", caption="Claims"),
    )


def _parameters(verdict: Verdict) -> str:
    return ", ".join(f"{name}={value}" for name, value in verdict.parameters.items()) or "-"


def verdicts_section(report: RunReport) -> Markup:
    """The table of contracts, each with its verdict and figures."""
    rows = [
        tag(
            "tr",
            tag("th", _linked(verdict, number), scope="row"),
            tag("td", outcome_badge(verdict.outcome)),
            tag("td", verdict.summary),
            tag("td", [tag("div", figure_words(f)) for f in verdict.figures], class_="figures"),
            tag("td", count_text(verdict.event_count), class_="number"),
        )
        for number, verdict in enumerate(report.verdicts)
    ]
    head = ("contract", "verdict", "what was found", "figures", number_head("events judged"))
    return table(head, rows, class_="verdicts", caption="Verdicts")


def _linked(verdict: Verdict, number: int) -> Markup | str:
    if verdict.outcome is Outcome.HOLDS:
        return verdict.contract
    return tag("a", verdict.contract, href=f"#finding-{number}")
