"""A what-if file: a scenario on top of presets, and what to vary and to ask about it."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from iowitness.model.sweep_yaml import SweepPart
from iowitness.model.yaml_parts import Part

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
    questions: list[QuestionName] = Field(default=[])
