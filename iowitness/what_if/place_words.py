"""Where each point of a sweep stands, as the leading columns of a table."""

from iowitness.what_if.amounts import coordinate_text, field_words
from iowitness.what_if.outcome import ExperimentOutcome


def places(one: ExperimentOutcome) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Heads and rows, one row for each point: its variant, where there are more, and its place."""
    axes = one.experiment.axes
    several = len(one.experiment.variants) > 1
    heads = (*(("variant",) if several else ()), *(field_words(axis.field) for axis in axes))
    rows = tuple(
        (
            *((point.variant,) if several else ()),
            *(
                coordinate_text(axis.field, value)
                for axis, value in zip(axes, point.coordinates, strict=True)
            ),
        )
        for point in one.points
    )
    return heads, rows
