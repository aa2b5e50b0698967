"""What should have happened: contracts, suites, verdicts. The language of contracts in Python.

    from iowitness.specs import AppendOnly, load_suite

Names are imported when they are asked for: pydantic takes a quarter of a second, which a program
that only wants a verdict's exit code need not pay.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iowitness.specs.append_only import AppendOnly
    from iowitness.specs.atomic_replace import AtomicReplace
    from iowitness.specs.batched_sends import BatchedSends
    from iowitness.specs.call_budget import CallBudget
    from iowitness.specs.claims import AllOf, AnyClaim, AnyOf, Not
    from iowitness.specs.compression import Compression
    from iowitness.specs.contract import judge, judge_history
    from iowitness.specs.device_sequential import DeviceSequential
    from iowitness.specs.event_pattern import EventPattern
    from iowitness.specs.fd_hygiene import FdHygiene
    from iowitness.specs.never_synced_in import NeverSyncedIn
    from iowitness.specs.no_reads_of import NoReadsOf
    from iowitness.specs.no_writes_outside import NoWritesOutside
    from iowitness.specs.order import Order, Stretch
    from iowitness.specs.sequential_writes import SequentialWrites
    from iowitness.specs.stored_as_sent import StoredAsSent
    from iowitness.specs.suite import Suite, SuiteError, load_suite, ready_suite_names
    from iowitness.specs.synced_before_acknowledged import SyncedBeforeAcknowledged
    from iowitness.specs.thread_roles import ThreadRoles
    from iowitness.specs.verdict import Figure, Outcome, Verdict, Witness
    from iowitness.specs.zero_copy_reads import ZeroCopyReads

__all__ = [
    "AllOf",
    "AnyClaim",
    "AnyOf",
    "AppendOnly",
    "AtomicReplace",
    "BatchedSends",
    "CallBudget",
    "Compression",
    "DeviceSequential",
    "EventPattern",
    "FdHygiene",
    "Figure",
    "NeverSyncedIn",
    "NoReadsOf",
    "NoWritesOutside",
    "Not",
    "Order",
    "Outcome",
    "SequentialWrites",
    "StoredAsSent",
    "Stretch",
    "Suite",
    "SuiteError",
    "SyncedBeforeAcknowledged",
    "ThreadRoles",
    "Verdict",
    "Witness",
    "ZeroCopyReads",
    "judge",
    "judge_history",
    "load_suite",
    "ready_suite_names",
]

_MODULES = {
    **dict.fromkeys(("AllOf", "AnyClaim", "AnyOf", "Not"), "claims"),
    **dict.fromkeys(("Figure", "Outcome", "Verdict", "Witness"), "verdict"),
    **dict.fromkeys(("Suite", "SuiteError", "load_suite", "ready_suite_names"), "suite"),
    **dict.fromkeys(("judge", "judge_history"), "contract"),
    **dict.fromkeys(("Order", "Stretch"), "order"),
    "AppendOnly": "append_only",
    "AtomicReplace": "atomic_replace",
    "BatchedSends": "batched_sends",
    "CallBudget": "call_budget",
    "Compression": "compression",
    "DeviceSequential": "device_sequential",
    "EventPattern": "event_pattern",
    "FdHygiene": "fd_hygiene",
    "NeverSyncedIn": "never_synced_in",
    "NoReadsOf": "no_reads_of",
    "NoWritesOutside": "no_writes_outside",
    "SequentialWrites": "sequential_writes",
    "StoredAsSent": "stored_as_sent",
    "SyncedBeforeAcknowledged": "synced_before_acknowledged",
    "ThreadRoles": "thread_roles",
    "ZeroCopyReads": "zero_copy_reads",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
