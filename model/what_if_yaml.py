"""A what-if file: a scenario on top of presets, and what to vary and to ask about it."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator

from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.model.sweep_yaml import SweepPart
from iowitness.model.yaml_parts import NotNegative, Part

Overlay: TypeAlias = dict[str, Any]
"""Some of a scenario's keys; the rest comes from what it is laid over."""

QuestionName: TypeAlias = Literal[
    "sequential-or-random-writes",
    "sendfile-or-copy",
    "batch-size-and-linger",
    "producer-threads",
    "compress-batch-or-message",
    "memory-for-lagging-readers",
    "fsync-every-request",
    "tls",
]
"""The questions with ready-made answers; `iowitness.model.questions` has them."""


class VariantPart(Part):
    """What one named variant has otherwise than the file's scenario."""

    extends: str | list[str] = Field(default=[])
    hardware: Overlay = Field(default={})
    policy: Overlay = Field(default={})
    workload: Overlay = Field(default={})
    writes: Overlay = Field(default={})


class MeasuredPart(Part):
    """What was measured of one variant, to stand beside what is predicted of it.

    `figures` by the names of reports' tables (`produce_p50_s`), in seconds, bytes and shares;
    `latencies` are distributions: pairs of seconds and the share at or below.
    """

    source: str
    variant: str | None = None
    figures: dict[str, NotNegative] = Field(default={})
    latencies: dict[str, list[list[NotNegative]]] = Field(default={})

    @field_validator("figures")
    @classmethod
    def _known(cls, figures: dict[str, float]) -> dict[str, float]:
        unknown = sorted(figures.keys() - FIGURE_KINDS.keys())
        if unknown:
            raise ValueError(f"{unknown[0]!r}, expected one of {', '.join(FIGURE_KINDS)}")
        return figures

    @field_validator("latencies")
    @classmethod
    def _pairs(cls, latencies: dict[str, list[list[float]]]) -> dict[str, list[list[float]]]:
        for name, pairs in latencies.items():
            if any(len(pair) != 2 or pair[1] > 1 for pair in pairs):
                raise ValueError(f"{name}: expected pairs of seconds and a share of 0 to 1")
        return latencies


class WhatIfPart(Part):
    """The file. `extends` names presets, or preset files beside it; a later one wins."""

    title: str = ""
    extends: str | list[str] = Field(default=[])
    hardware: Overlay = Field(default={})
    policy: Overlay = Field(default={})
    workload: Overlay = Field(default={})
    writes: Overlay = Field(default={})
    sweep: list[SweepPart] = Field(default=[])
    compare: Annotated[dict[str, VariantPart], Field(min_length=2)] | None = None
    measured: MeasuredPart | None = None
    questions: list[QuestionName] = Field(default=[])
