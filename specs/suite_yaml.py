"""Suites in YAML: the text's shape as pydantic models, and the checks that span several keys."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from iowitness.located_yaml import LocatedDocument, Problem, read_yaml, validate
from iowitness.specs import workload as described
from iowitness.specs.agreement import FIGURES, AgreementRules, Rule
from iowitness.specs.call_budget import CallBudget
from iowitness.specs.claims import AnyClaim
from iowitness.specs.globs import WordGlobs
from iowitness.specs.selection import FileGlobs
from iowitness.specs.suite_value import (
    DEFAULT_CONTENT_BYTE_COUNT,
    NO_WORKLOAD,
    Suite,
    SuiteError,
)
from iowitness.specs.suite_variables import ROOT, variables_of, with_variables

Above0: TypeAlias = Annotated[int, Field(gt=0)]
AtLeast0: TypeAlias = Annotated[int, Field(ge=0)]
Topic: TypeAlias = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

_ROLES = ("driver", "broker", "producer", "consumer")
"""The roles that the processes of a workload take."""


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProduceKeys(_Keys):
    """A step in which one producer sends; the fields are those of `workload.Produce`."""

    step: Literal["produce"]
    topic: Topic
    partition_count: Above0
    record_count: Above0
    value_byte_count: AtLeast0 = 100
    value_byte_spread: AtLeast0 = 0
    key_count: AtLeast0 = 0
    codec: described.Codec = "none"
    batch_size: Above0 = 16_384
    linger_ms: AtLeast0 = 60_000
    acks: Literal[0, 1, -1] = 1
    buffer_memory: Above0 = 33_554_432
    max_batches_per_request: Above0 | None = 1
    max_in_flight: Above0 = 5
    timestamp_step_ms: AtLeast0 = 1


class ConsumeKeys(_Keys):
    """A step in which one consumer reads; the fields are those of `workload.Consume`."""

    step: Literal["consume"]
    topic: Topic
    partition_count: Above0
    start_offset: AtLeast0 = 0
    partition_byte_count: Above0 = 1_048_576
    fetch_byte_count: Above0 = 52_428_800


class RestartKeys(_Keys):
    """A step in which the broker stops cleanly and starts again."""

    step: Literal["restart"]


class WorkloadKeys(_Keys):
    """What to run against one broker."""

    segment_byte_count: Above0 = 1_048_576
    index_interval_byte_count: Above0 = 4_096
    steps: tuple[
        Annotated[ProduceKeys | ConsumeKeys | RestartKeys, Field(discriminator="step")], ...
    ]


class RuleKeys(_Keys):
    """How far one figure may lie apart."""

    rule: Literal["exact", "band", "informative"] = "exact"
    tolerance: float = Field(default=0.0, ge=0)


class AgreementKeys(_Keys):
    """The rules of the comparison with a prediction, another run or a baseline.

    `figures` go by their names, those of a contract as `contract/figure`.
    """

    default: RuleKeys = RuleKeys()
    figures: dict[str, RuleKeys] = {}
    segments: FileGlobs = ("**/*.log",)


class SuiteKeys(_Keys):
    """A suite file: contracts, and for `verify` a workload."""

    name: str = ""
    about: str = ""
    variables: dict[str, str | int | float | None] = {}
    workload: WorkloadKeys | None = None
    contracts: tuple[AnyClaim, ...]
    agreement: AgreementKeys = AgreementKeys()
    hardware: str | None = None
    content_byte_count: Annotated[int, Field(ge=0, le=1 << 30)] = DEFAULT_CONTENT_BYTE_COUNT


def read_suite(text: str, source_name: str, settings: Mapping[str, str] = NO_SETTINGS) -> Suite:
    """The suite in a YAML text; raises `SuiteError` with everything that is wrong with it.

    `settings` are values of its variables.
    """
    document = read_yaml(text, source_name, SuiteError)
    variables = variables_of(document, settings)
    document = with_variables(document, variables)
    keys = validate(document, SuiteKeys, SuiteError)
    problems = list(_problems(document, keys))
    if problems:
        raise SuiteError(source_name, problems)
    workload = _workload(keys.workload)
    return Suite(
        name=keys.name or PurePath(source_name).stem,
        about=keys.about.strip(),
        root=variables.get(ROOT, ""),
        workload=workload,
        contracts=tuple(_told_of_workload(one, workload) for one in keys.contracts),
        agreement=_agreement(keys.agreement),
        hardware=keys.hardware,
        content_byte_count=keys.content_byte_count,
    )


def _told_of_workload(claim: AnyClaim, workload: described.Workload) -> AnyClaim:
    """A call budget learns the number of records from the workload."""
    if isinstance(claim, CallBudget) and claim.record_count is None and workload.record_count:
        return claim.model_copy(update={"record_count": workload.record_count})
    return claim


def _workload(keys: WorkloadKeys | None) -> described.Workload:
    if keys is None:
        return NO_WORKLOAD
    steps: list[described.Step] = []
    for one in keys.steps:
        given = one.model_dump(exclude={"step"})
        match one:
            case ProduceKeys():
                steps.append(described.Produce(**given))
            case ConsumeKeys():
                steps.append(described.Consume(**given))
            case RestartKeys():
                steps.append(described.Restart())
    return described.Workload(
        steps=tuple(steps),
        segment_byte_count=keys.segment_byte_count,
        index_interval_byte_count=keys.index_interval_byte_count,
    )


def _agreement(keys: AgreementKeys) -> AgreementRules:
    return AgreementRules(
        default=Rule(**keys.default.model_dump()),
        figures={name: Rule(**rule.model_dump()) for name, rule in keys.figures.items()},
        segments=keys.segments,
    )


def _problems(document: LocatedDocument, keys: SuiteKeys) -> Iterator[Problem]:
    """What no single key can know: names that clash, and selections that fit nothing."""
    if not keys.contracts:
        yield document.problem(("contracts",), "contracts is empty, expected one at least")
    if keys.workload is not None and not keys.workload.steps:
        yield document.problem(("workload", "steps"), "steps is empty, expected one at least")
    first_of: dict[str, int] = {}
    for index, claim in enumerate(keys.contracts):
        if claim.name in first_of:
            message = f"contracts[{index}].name={claim.name!r} is taken, expected another name"
            yield document.problem(("contracts", index), message)
        first_of.setdefault(claim.name, index)
        if keys.workload is not None:
            yield from _unfit_words(document, index, claim, keys.workload)
        elif claim.only_with_workload:
            yield document.problem(
                ("contracts", index, "only_with_workload"),
                f"contracts[{index}].only_with_workload=True, expected a workload in the suite",
            )
    yield from _unfit_topics(document, keys)
    for name in keys.agreement.figures:
        contract, slash, _ = name.partition("/")
        if name not in FIGURES and not (slash and contract in first_of):
            message = f"{name!r} is no figure, expected contract/figure or one of "
            place = ("agreement", "figures", name)
            yield document.problem(place, message + ", ".join(FIGURES))


def _unfit_words(
    document: LocatedDocument, index: int, claim: AnyClaim, workload: WorkloadKeys
) -> Iterator[Problem]:
    """Roles and phases that no process and no step of the workload has."""
    phases = [f"{step.step}-{number}" for number, step in enumerate(workload.steps, start=1)]
    for key, there in (("roles", list(_ROLES)), ("phases", phases)):
        for where, pattern in _patterns(claim, key):
            if not any(map(WordGlobs((pattern,)).fit, there)):
                yield document.problem(
                    ("contracts", index, *where),
                    f"contracts[{index}]: {key}={pattern!r} fits none of this workload's: "
                    f"{', '.join(there)}",
                )


def _patterns(claim: BaseModel, key: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The patterns of one key in a contract and in all its parts, each with its path."""
    for name in type(claim).model_fields:
        value = getattr(claim, name)
        if name == key:
            yield from (((name, number), pattern) for number, pattern in enumerate(value))
        elif isinstance(value, BaseModel):
            yield from (((name, *path), pattern) for path, pattern in _patterns(value, key))
        elif isinstance(value, tuple):
            for number, part in enumerate(value):
                if isinstance(part, BaseModel):
                    found = _patterns(part, key)
                    yield from (((name, number, *path), pattern) for path, pattern in found)


def _unfit_topics(document: LocatedDocument, keys: SuiteKeys) -> Iterator[Problem]:
    """Steps that read what no step before them wrote, or disagree on the number of partitions."""
    partition_counts: dict[str, int] = {}
    for index, step in enumerate(keys.workload.steps if keys.workload is not None else ()):
        if isinstance(step, RestartKeys):
            continue
        path = ("workload", "steps", index)
        if isinstance(step, ConsumeKeys) and step.topic not in partition_counts:
            message = f"topic={step.topic!r} is consumed, expected a step that produces it before"
            yield document.problem((*path, "topic"), message)
        known = partition_counts.setdefault(step.topic, step.partition_count)
        if known != step.partition_count:
            message = f"partition_count={step.partition_count}, expected {known} as before"
            yield document.problem((*path, "partition_count"), message)
