"""Suites out of YAML: the models that a file is held against, and the values they become.

The workload's models are derived from the structs of `workload`, so that a field is told once.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias, cast, get_args

import msgspec
from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from iowitness.located_yaml import LocatedDocument, Problem, read_yaml, validate
from iowitness.specs.agreement import AgreementRules, Rule
from iowitness.specs.append_only import AppendOnly
from iowitness.specs.batched_sends import BatchedSends
from iowitness.specs.call_budget import CallBudget
from iowitness.specs.compression import Compression
from iowitness.specs.contract import Contract
from iowitness.specs.selection import FileGlobs
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.stored_as_sent import StoredAsSent
from iowitness.specs.suite import DEFAULT_CONTENT_BYTE_COUNT, Suite, SuiteError
from iowitness.specs.thread_roles import ThreadRoles
from iowitness.specs.workload import Consume, Produce, Restart, Step, Workload
from iowitness.specs.zero_copy_reads import ZeroCopyReads

AnyClaim: TypeAlias = Annotated[
    AppendOnly
    | BatchedSends
    | CallBudget
    | Compression
    | SequentialWrites
    | StoredAsSent
    | ThreadRoles
    | ZeroCopyReads,
    Field(discriminator="claim"),
]

_STRICT = ConfigDict(frozen=True, extra="forbid")
_LEAST = {
    "record_count": 1,
    "partition_count": 1,
    "value_byte_count": 0,
    "value_byte_spread": 0,
    "key_count": 0,
    "batch_size": 1,
    "linger_ms": 0,
    "buffer_memory": 1,
    "max_batches_per_request": 1,
    "max_in_flight": 1,
    "timestamp_step_ms": 0,
    "start_offset": 0,
    "partition_byte_count": 1,
    "fetch_byte_count": 1,
    "segment_byte_count": 100,
    "index_interval_byte_count": 0,
}
"""The least that each number of a workload may be."""


def _field(one: msgspec.structs.FieldInfo) -> tuple[Any, Any]:
    kind: Any = one.type
    if one.name in _LEAST:
        number = Annotated[int, Ge(_LEAST[one.name])]
        kind = number | None if type(None) in get_args(one.type) else number
    if one.name == "topic":
        kind = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-][a-zA-Z0-9._-]*$", max_length=249)]
    return kind, ... if one.required else one.default


def _model_of(struct: type[Step]) -> type[BaseModel]:
    fields: dict[str, Any] = {f.name: _field(f) for f in msgspec.structs.fields(struct)}
    tag = struct.__struct_config__.tag
    # A Literal of a value known only here, which is what a tag is.
    fields["step"] = (Literal[tag], ...)
    return create_model(f"{struct.__name__}Step", __config__=_STRICT, **fields)


_STEPS: dict[str, type[Step]] = {
    str(struct.__struct_config__.tag): struct for struct in (Produce, Consume, Restart)
}
_AnyStep: Any = Annotated[
    _model_of(Produce) | _model_of(Consume) | _model_of(Restart), Field(discriminator="step")
]


class _WorkloadModel(BaseModel):
    model_config = _STRICT

    steps: tuple[_AnyStep, ...] = Field(min_length=1)
    segment_byte_count: int = Field(default=1_048_576, ge=100)
    index_interval_byte_count: int = Field(default=4_096, ge=0)

    def workload(self) -> Workload:
        """The value that both worlds carry out."""
        steps = []
        for one in self.steps:
            given = one.model_dump()
            steps.append(_STEPS[given.pop("step")](**given))
        return Workload(
            steps=tuple(steps),
            segment_byte_count=self.segment_byte_count,
            index_interval_byte_count=self.index_interval_byte_count,
        )


FIGURES = (
    "segment operations",
    "segment files",
    "rolls",
    "bytes written",
    "produce requests",
    "fetches with payload",
    "bytes by sendfile",
    "bytes read into buffers",
    "segment syncs",
)
"""What agreement compares, by the names that a suite uses."""


class _RuleModel(BaseModel):
    model_config = _STRICT

    rule: Literal["exact", "band", "informative"] = "exact"
    tolerance: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _tolerance_is_a_bands(self) -> "_RuleModel":
        if (self.rule == "band") != (self.tolerance > 0):
            raise ValueError(f"tolerance={self.tolerance:g}, expected above 0 for band only")
        return self

    def value(self) -> Rule:
        """The rule."""
        return Rule(rule=self.rule, tolerance=self.tolerance)


class _AgreementModel(BaseModel):
    model_config = _STRICT

    default: _RuleModel = _RuleModel()
    figures: dict[Literal[FIGURES], _RuleModel] = {}  # type: ignore[valid-type]  # the names are a constant
    segments: FileGlobs = ("**/*.log",)

    def rules(self) -> AgreementRules:
        """The rules."""
        figures = {name: one.value() for name, one in self.figures.items()}
        return AgreementRules(
            default=self.default.value(), figures=figures, segments=tuple(self.segments)
        )


class _SuiteModel(BaseModel):
    model_config = _STRICT

    suite: Literal[1]
    workload: _WorkloadModel
    contracts: tuple[AnyClaim, ...] = Field(min_length=1)
    agreement: _AgreementModel = _AgreementModel()
    hardware: str | None = None
    content_byte_count: int = Field(default=DEFAULT_CONTENT_BYTE_COUNT, ge=32)


def read_suite(text: str, source_name: str, name: str) -> Suite:
    """The suite that a text describes. Raises `SuiteError` with everything that is wrong."""
    document = read_yaml(text, source_name, SuiteError)
    model = validate(document, _SuiteModel, SuiteError)
    workload = model.workload.workload()
    problems = [*_partition_problems(document, workload), *_name_problems(document, model)]
    if problems:
        raise SuiteError(source_name, problems)
    return Suite(
        name=name,
        workload=workload,
        contracts=cast("Sequence[Contract]", model.contracts),
        agreement=model.agreement.rules(),
        hardware=model.hardware,
        content_byte_count=model.content_byte_count,
    )


def _partition_problems(document: LocatedDocument, workload: Workload) -> list[Problem]:
    """A topic has one number of partitions, and is produced to before it is consumed."""
    problems: list[Problem] = []
    counts: dict[str, int] = {}
    for number, step in enumerate(workload.steps):
        if isinstance(step, Restart):
            continue
        path = ("workload", "steps", number)
        if isinstance(step, Consume) and step.topic not in counts:
            message = f"topic={step.topic!r} is consumed before any step produces to it"
            problems.append(document.problem((*path, "topic"), message))
        known = counts.setdefault(step.topic, step.partition_count)
        if known != step.partition_count:
            message = f"partition_count={step.partition_count}, expected {known} as before"
            problems.append(document.problem((*path, "partition_count"), message))
    return problems


def _name_problems(document: LocatedDocument, model: _SuiteModel) -> list[Problem]:
    """Each contract has a name of its own, because reports and JUnit tell them apart by it."""
    seen: set[str] = set()
    problems: list[Problem] = []
    for number, contract in enumerate(model.contracts):
        if contract.name in seen:
            message = f"name={contract.name!r} is taken, expected a name of its own"
            problems.append(document.problem(("contracts", number), message))
        seen.add(contract.name)
    return problems
