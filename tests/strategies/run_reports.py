"""Whole reports for tests: a run that holds, runs that do not, and one that holds odd text."""

from pathlib import Path

from iowitness.report.run_report import (
    Environment,
    PredictedFigure,
    RunReport,
    StepTimes,
)
from iowitness.specs.agreement import Agreement, Comparison, Difference
from iowitness.specs.verdict import Figure, Outcome, Verdict, Witness
from iowitness.traces.events import Mapped, Read, Written
from iowitness.traces.history import History
from tests.strategies.report_histories import (
    RAW_TRACE_NAME,
    WORKLOAD,
    Conduct,
    observed_history,
    observed_script,
    predicted_history,
)

ODD_TEXT = """</script><img src=x onerror=alert(1)>"'&`|\x1b[31m\u202e\udcff]]>"""
"""What a path may hold: an end of a script, quotes, an escape sequence, a byte that is no UTF-8."""

_ENVIRONMENT = Environment(
    kernel="Linux 6.18.5",
    python="CPython 3.11.2",
    strace="6.1",
    iowitness="0.1.0",
    machine="x86_64, 2 cores",
)


def holding_report() -> RunReport:
    """Everything holds, and the prediction is exact."""
    conduct = Conduct()
    return _report(conduct, _holding_verdicts(), _exact_agreement())


def stray_write_report() -> RunReport:
    """One write goes to an earlier place, and one contract cannot tell."""
    conduct = Conduct(strays=True)
    observed = observed_history(conduct)
    writes = [w for w in observed.of_kind(Written) if w.file.path.endswith(".log")]
    stray = next(
        later
        for earlier, later in zip(writes, writes[2:], strict=False)
        if later.file == earlier.file and later.offset != (earlier.offset or 0) + earlier.byte_count
    )
    verdicts = list(_holding_verdicts())
    verdicts[0] = Verdict(
        contract="sequential-writes",
        claim="sequential-writes",
        outcome=Outcome.VIOLATED,
        summary="2 of 140 writes do not start where the last one ended",
        figures=(Figure(name="strays", value=2.0, unit="writes", expected="none"),),
        witnesses=(_stray_witness(stray),),
        witness_count=2,
        event_count=140,
        hint="look for a seek before the write, or for two writers of one file",
    )
    mapping = Mapped(
        start_ns=stray.start_ns,
        end_ns=stray.end_ns,
        process_id=stray.process_id,
        thread_id=stray.thread_id,
        call="mmap",
        line=stray.line + 30,
        file=stray.file,
        address=0x7F00_0000_0000,
        offset=0,
        byte_count=262_144,
        writable=False,
        shared=True,
    )
    verdicts[1] = Verdict(
        contract="zero-copy-reads",
        claim="zero-copy-reads",
        outcome=Outcome.UNKNOWN,
        summary="a segment is mapped: its bytes may move without a call",
        witnesses=(Witness(message="mmap of a segment, expected none", events=(mapping,)),),
        witness_count=1,
        event_count=512,
    )
    difference = Difference(
        place="plain-0/00000000000000004544.log, write 12",
        predicted="write of 16,352 B at 179,872",
        observed="write of 16,352 B at 130,816",
        event=stray,
    )
    comparison = Comparison(
        figure="writes to plain-0",
        unit="calls",
        predicted=70.0,
        observed=70.0,
        rule="exact",
        agrees=False,
        compared_count=70,
        differences=(difference,),
    )
    agreement = Agreement(comparisons=(comparison, *_exact_agreement().comparisons))
    return _report(conduct, tuple(verdicts), agreement)


def copying_report() -> RunReport:
    """The broker reads segments into a buffer and sends that."""
    conduct = Conduct(copies=True)
    observed = observed_history(conduct)
    read = next(r for r in observed.of_kind(Read) if r.byte_count > 1_000)
    verdicts = list(_holding_verdicts())
    verdicts[1] = Verdict(
        contract="zero-copy-reads",
        claim="zero-copy-reads",
        outcome=Outcome.VIOLATED,
        summary="2,289,280 B of segments were read into the broker",
        witnesses=(Witness(message="pread64 of 65,408 B, expected at most 64", events=(read,)),),
        witness_count=36,
        event_count=512,
    )
    return _report(conduct, tuple(verdicts), None)


def odd_text_report() -> RunReport:
    """Every text that comes from outside holds `ODD_TEXT`."""
    conduct = Conduct(data_root=f"/data/{ODD_TEXT}", batch_count=4)
    observed = observed_history(conduct)
    write = next(w for w in observed.of_kind(Written))
    verdict = Verdict(
        contract=ODD_TEXT,
        claim=ODD_TEXT,
        outcome=Outcome.VIOLATED,
        summary=ODD_TEXT,
        figures=(Figure(name=ODD_TEXT, value=1.5, unit=ODD_TEXT, expected=ODD_TEXT),),
        witnesses=(Witness(message=ODD_TEXT + "\nsecond line", events=(write,)),),
        witness_count=1,
        hint=ODD_TEXT,
        parameters={ODD_TEXT: ODD_TEXT},
    )
    difference = Difference(place=ODD_TEXT, predicted=ODD_TEXT, observed=ODD_TEXT, event=write)
    comparison = Comparison(
        figure=ODD_TEXT,
        unit=ODD_TEXT,
        predicted=1,
        observed=2,
        rule="exact",
        agrees=False,
        differences=(difference,),
    )
    return RunReport(
        suite=ODD_TEXT,
        command_line=("iowitness", "verify", ODD_TEXT),
        started_at="2025-11-24T00:00:00+00:00",
        environment=Environment(kernel=ODD_TEXT, python=ODD_TEXT, strace=ODD_TEXT, iowitness="0"),
        verdicts=(verdict,),
        agreement=Agreement(comparisons=(comparison,)),
        data_root="",
        predicted_figures=(PredictedFigure(name=ODD_TEXT, value=1, remark=ODD_TEXT),),
        step_times=(StepTimes(name=ODD_TEXT),),
        findings=(ODD_TEXT,),
        observed=observed,
        predicted=predicted_history(conduct),
    )


def raw_trace(folder: Path, conduct: Conduct) -> Path:
    """The raw trace that the observed history of a conduct was read from, as a file."""
    path = folder / RAW_TRACE_NAME
    text = "".join(f"{line}\n" for line in observed_script(conduct).lines)
    path.write_text(text, "utf-8", "surrogateescape")
    return path


def _stray_witness(stray: Written) -> Witness:
    return Witness(
        message=f"write of 16352 B at {stray.offset}, expected {(stray.offset or 0) + 49_056}",
        events=(stray,),
    )


def _report(
    conduct: Conduct, verdicts: tuple[Verdict, ...], agreement: Agreement | None
) -> RunReport:
    predicted: History | None = None if agreement is None else predicted_history(Conduct())
    return RunReport(
        suite="kafka",
        command_line=("iowitness", "verify", "--suite", "specs/kafka.yaml", "--seed", "7"),
        started_at="2025-11-24T00:00:00+00:00",
        environment=_ENVIRONMENT,
        verdicts=verdicts,
        agreement=agreement,
        workload=WORKLOAD,
        seed=7,
        data_root=conduct.data_root,
        predicted_root=conduct.data_root,
        predicted_figures=(
            PredictedFigure(name="copied by the CPU", value=4_578_560.0, unit="B"),
            PredictedFigure(
                name="seeks", value=11.0, unit="seeks", remark="write-back of 10 rolls"
            ),
        ),
        step_times=(
            StepTimes(
                name="produce-1",
                traced_wall_s=1.42,
                traced_cpu_s=1.1,
                untraced_wall_s=0.61,
                untraced_cpu_s=0.58,
                predicted_wall_s=0.55,
            ),
            StepTimes(name="restart-2", traced_wall_s=0.12, untraced_wall_s=0.05),
            StepTimes(name="consume-3", traced_wall_s=0.34, untraced_wall_s=0.16),
        ),
        observed=observed_history(conduct),
        predicted=predicted,
    )


def _holding_verdicts() -> tuple[Verdict, ...]:
    rows = (
        ("sequential-writes", "140 writes, each where the last one ended", "writes", 140.0, ""),
        ("zero-copy-reads", "every payload byte left by sendfile", "copied", 0.0, "B"),
        ("batched-sends", "142 records in a request", "records", 142.0, "records/request"),
        ("thread-roles", "the caller's thread makes no network call", "sends", 0.0, "calls"),
        ("stored-as-sent", "bytes received = stored = sent", "stored", 2_289_280.0, "B"),
        ("call-budget", "12.4 calls for a MiB", "calls", 12.4, "calls/MiB"),
    )
    return tuple(
        Verdict(
            contract=name,
            claim=name,
            outcome=Outcome.HOLDS,
            summary=summary,
            figures=(Figure(name=figure, value=value, unit=unit),),
            event_count=512,
            parameters={"files": "*.log"},
        )
        for name, summary, figure, value, unit in rows
    )


def _exact_agreement() -> Agreement:
    exact = (
        ("operations on segments", "calls", 176.0, 176),
        ("rolls", "rolls", 10.0, 10),
        ("produce requests", "requests", 140.0, 140),
        ("sendfile bytes", "B", 2_289_280.0, 36),
    )
    rows = [
        Comparison(
            figure=figure,
            unit=unit,
            predicted=value,
            observed=value,
            rule="exact",
            agrees=True,
            compared_count=count,
        )
        for figure, unit, value, count in exact
    ]
    time = Comparison(
        figure="wall time of produce-1",
        unit="s",
        predicted=0.55,
        observed=0.61,
        rule="informative",
        agrees=True,
    )
    return Agreement(comparisons=(*rows, time))
