"""Every error at every call of the log, once and for good; power loss after every failing sync.

    ./dev bench reliability/failing_calls [--every N]

`--every N` takes every N-th plan. Prints a line for each kind of error, and one for each run that
broke a promise: its plan repeats it.
"""

import argparse
import sys
import time
from collections import Counter

from reported import print_head

from iowitness.crash_run.fault_runs import ERRORS, FaultRun, call_count, plans, power_loss, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    asked = parser.parse_args()
    print_head("failing calls")
    print(f"the workload makes {call_count()} calls that change or sync anything")
    wrong = 0
    for error in ERRORS:
        began = time.monotonic()
        runs = [run(plan)[0] for plan in list(plans((error,)))[:: asked.every]]
        broken = [one for one in runs if one.fault]
        wrong += len(broken)
        told = Counter(bool(one.told) for one in runs)
        print(
            f"{error:8}{len(runs):6} runs, {told[True]:5} told of an error, {len(broken)} broke a "
            f"promise, {time.monotonic() - began:.0f} s"
        )
        _tell(broken)
    wrong += _power_loss(asked.every)
    sys.exit(1 if wrong else 0)


def _power_loss(every: int) -> int:
    syncs = [
        (outcome, files)
        for outcome, files in (run(plan) for plan in plans(("EIO",)) if not plan.lasts)
        if (outcome.call or "").startswith("fsync")
    ][::every]
    states = wrong = 0
    for outcome, files in syncs:
        for model in ("weakest", "ext4-ordered", "xfs", "btrfs", "data-journal"):
            explored = power_loss(files, model)
            states += explored.state_count
            wrong += explored.failure_count
            for failure in explored.failures:
                print(f"  {outcome.plan}, then {failure.state}: {failure.fault}")
    print(f"power loss after {len(syncs)} failing syncs: {states:,} states, {wrong} wrong")
    return wrong


def _tell(broken: list[FaultRun]) -> None:
    for one in broken:
        print(f"  {one.plan} ({one.call}): {one.fault}")


if __name__ == "__main__":
    main()
