"""What could not be seen: by the source in general, in this run, and by each kind of claim."""

from collections.abc import Iterator, Mapping, Sequence

from iowitness.report.run_report import RunReport
from iowitness.traces.events import EVENT_KINDS
from iowitness.traces.history import Gap

_LIMITS: Mapping[str, str] = {
    "sequential-writes": "the order in which the kernel gives pages to the device",
    "append-only": "the order in which the kernel gives pages to the device",
    "zero-copy-reads": "whether the network card gathers the pages or the kernel copies them again",
    "batched-sends": "how TCP cuts the bytes into segments",
    "compression": "whether the compressed bytes are sound",
    "thread-roles": "what the other threads wait for",
    "stored-as-sent": "what the peer did before it sent",
    "call-budget": "calls that the tracer's filter left out",
    "synced-before-acknowledged": "whether the device keeps what it says it has",
    "atomic-replace": "whether the file system orders a rename after the data by itself",
    "order": "an order that no call shows, such as that of two stores to a mapping",
    "no-reads-of": "which pages of a mapping are touched",
    "no-writes-outside": "changes that another program was asked to make",
    "never-synced-in": "the kernel's own write-back",
    "fd-hygiene": "descriptors that were open when the trace began",
    "device-sequential": "what the device itself does with the order",
    "all": "",
    "any": "",
    "not": "",
}
_SHOWN_GAP_COUNT = 20


def claim_limit(claim: str) -> str:
    """What a kind of claim cannot see by its nature; empty where nothing is known of it."""
    return _LIMITS.get(claim, "")


def source_remarks(report: RunReport) -> Sequence[str]:
    """What the source said of its own limits in this run: blind spots, notes, gaps."""
    return tuple(_source_remarks(report))


def _source_remarks(report: RunReport) -> Iterator[str]:
    observed = report.observed
    blind = sorted(EVENT_KINDS.keys() - observed.visible_kinds)
    if blind:
        yield f"kinds of event that this source does not show: {', '.join(blind)}"
    if not observed.data_is_visible:
        yield "what is in the buffers: none was kept"
    yield from observed.provenance.notes
    gaps = observed.provenance.gaps
    yield from (_gap_words(gap) for gap in gaps[:_SHOWN_GAP_COUNT])
    if len(gaps) > _SHOWN_GAP_COUNT:
        yield f"{len(gaps) - _SHOWN_GAP_COUNT:,} more are in the history's head"


def _gap_words(gap: Gap) -> str:
    return f"line {gap.line}: {gap.reason}" if gap.line else gap.reason


def claim_limits(report: RunReport) -> Sequence[tuple[str, str]]:
    """The limits of the claims that were judged: contract and words."""
    return tuple(
        (verdict.contract, limit)
        for verdict in report.verdicts
        if (limit := claim_limit(verdict.claim))
    )
