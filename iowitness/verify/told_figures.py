"""The model's figures and both runs' times, as the report tells them."""

from iowitness.model.figures import Figures
from iowitness.real_run.run_files import RunResult
from iowitness.report.run_report import PredictedFigure, StepTimes


def predicted_figures(figures: Figures) -> tuple[PredictedFigure, ...]:
    """What only the model yields: copies, switches, seeks, CPU and time."""
    copied = figures.cpu_copied_byte_counts
    by_dma = figures.dma_byte_counts
    return (
        PredictedFigure(name="time", value=figures.duration_ns / 1e9, unit="s"),
        *(
            PredictedFigure(name=f"copied by the CPU in {path}", value=copied[path], unit="B")
            for path in sorted(copied)
        ),
        *(
            PredictedFigure(name=f"moved by DMA, {path}", value=by_dma[path], unit="B")
            for path in sorted(by_dma)
        ),
        PredictedFigure(name="mode switches", value=figures.mode_switch_count),
        PredictedFigure(name="context switches", value=figures.context_switch_count),
        PredictedFigure(name="seeks", value=figures.seek_count),
        PredictedFigure(
            name="read from the device", value=figures.device_read_byte_count, unit="B"
        ),
        PredictedFigure(
            name="written to the device", value=figures.device_write_byte_count, unit="B"
        ),
        *(
            PredictedFigure(name=f"CPU of the {role}", value=figures.cpu_ns[role] / 1e9, unit="s")
            for role in sorted(figures.cpu_ns)
        ),
    )


def step_times(predicted: Figures, traced: RunResult, untraced: RunResult) -> tuple[StepTimes, ...]:
    """Each step in all three: under strace, without it, and in the model."""
    return tuple(
        StepTimes(
            name=slow.name,
            traced_wall_s=slow.wall_s,
            traced_cpu_s=slow.cpu_s,
            untraced_wall_s=fast.wall_s,
            untraced_cpu_s=fast.cpu_s,
            predicted_wall_s=model.duration_ns / 1e9,
        )
        for slow, fast, model in zip(traced.steps, untraced.steps, predicted.steps, strict=True)
    )
