"""The report's last section: the command, the code of the model, and the figures' sources."""

from iowitness import __version__
from iowitness.report.markup import Markup, joined, table, tag
from iowitness.what_if.outcome import WhatIfOutcome
from iowitness.what_if.results_file import model_digest


def command_line(outcome: WhatIfOutcome) -> str:
    """The command that gives the same figures again."""
    seeds = outcome.seeds
    return f"iowitness simulate {outcome.source_name} --seed {seeds[0]} --seeds {len(seeds)}"


def sources(outcome: WhatIfOutcome) -> dict[str, str]:
    """What the hardware's figures stand on, by part; several texts where presets are compared."""
    found: dict[str, list[str]] = {}
    for point in outcome.plan.points:
        for part, text in point.scenario.hardware.sources.items():
            if text not in found.setdefault(part, []):
                found[part].append(text)
    return {part: " · ".join(texts) for part, texts in found.items()}


def reproduce_section(outcome: WhatIfOutcome) -> Markup:
    """The section."""
    rows = [
        tag("tr", tag("th", part, scope="row"), tag("td", text))
        for part, text in sources(outcome).items()
    ]
    return joined(
        tag("pre", command_line(outcome), class_="commands", tabindex=0),
        tag(
            "p",
            f"iowitness {__version__}, model {model_digest()}. Equal files, seeds and models give "
            "equal figures.",
        ),
        tag("h3", "Sources of the hardware's figures") if rows else None,
        table(("part", "source"), rows, class_="plain", caption="Sources") if rows else None,
    )
