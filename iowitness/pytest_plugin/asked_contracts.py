"""What a marker, a call of `check` or the settings ask of a trace: suites and contracts, read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from iowitness.specs.claim import Claim
from iowitness.specs.claims import AnyClaim
from iowitness.specs.suite import Suite, load_suite, ready_suite_names

Asked: TypeAlias = str | Path | Suite | Claim | Mapping[str, Any]
"""A ready suite's name, a suite file, a suite, a contract, or a contract as YAML would have it."""

_INLINE = "contracts of the test"
_WITH_BUFFERS = frozenset({"compression", "stored-as-sent"})
"""Claims over what buffers hold: a trace for them keeps whole buffers."""

_CLAIM: TypeAdapter[AnyClaim] = TypeAdapter(AnyClaim)


@dataclass(frozen=True, slots=True)
class AskedContracts:
    """Contracts to judge together; relative globs begin at `root`.

    `content_byte_count` is how much of each buffer a trace should keep for them; None for little.
    """

    suite_name: str
    contracts: tuple[AnyClaim, ...]
    root: str
    content_byte_count: int | None


def asked_contracts(
    asked: Sequence[Asked],
    *,
    variables: Mapping[str, str],
    root: str,
    folders: Sequence[Path],
) -> tuple[AskedContracts, ...]:
    """One group for each suite, and one for all contracts given by themselves.

    A suite file's relative path is looked up in `folders`, in their order. Raises `SuiteError`,
    `SuiteNotFound` and pydantic's `ValidationError`.
    """
    groups: list[AskedContracts] = []
    inline: list[AnyClaim] = []
    for one in asked:
        if isinstance(one, str | Path | Suite):
            groups.append(_of_suite(one, variables, root, folders))
        else:
            inline.append(_CLAIM.validate_python(one))
    if inline:
        group_root = root or variables.get("root", "")
        needs_buffers = _need_buffers(inline)
        groups.append(
            AskedContracts(_INLINE, tuple(inline), group_root, 1 << 17 if needs_buffers else None)
        )
    return tuple(groups)


def _of_suite(
    one: str | Path | Suite, variables: Mapping[str, str], root: str, folders: Sequence[Path]
) -> AskedContracts:
    settings = {**variables, "root": root} if root else variables
    suite = one if isinstance(one, Suite) else load_suite(_found(one, folders), settings)
    contracts = suite.contracts_for_traces
    content = suite.content_byte_count if _need_buffers(contracts) else None
    return AskedContracts(suite.name, contracts, root or suite.root, content)


def _found(one: str | Path, folders: Sequence[Path]) -> str | Path:
    if str(one) in ready_suite_names() or Path(one).is_absolute():
        return one
    return next((folder / one for folder in folders if (folder / one).is_file()), one)


def _need_buffers(contracts: Iterable[Any]) -> bool:
    return any(
        contract.claim in _WITH_BUFFERS or _need_buffers(getattr(contract, "parts", ()))
        for contract in contracts
    )
