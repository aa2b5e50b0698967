"""Every state that power loss could leave of the default workload, under every persistence model.

    ./dev bench reliability/modelled_states [--records N] [--lost 0|1|2] [--progress FILE]

Runs `iowitness crash` twice: with flushes left to rolls and stops, and with every append flushed.
"""

import argparse
import json
import subprocess
import sys

from reported import print_head


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--lost", type=int, default=2)
    parser.add_argument("--progress")
    asked = parser.parse_args()
    print_head("modelled crash states")
    print(f"{'promise':14}{'model':16}{'states':>12}{'distinct':>12}{'wrong':>8}")
    wrong = False
    for promise in ("flushed", "acknowledged"):
        command = [sys.executable, "-m", "iowitness", "crash", "--json", "--promise", promise]
        command += ["--records", str(asked.records), "--lost", str(asked.lost)]
        if asked.progress:
            command += ["--progress", f"{asked.progress}.{promise}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in {0, 1}:
            sys.exit(f"{' '.join(command)} ended with exit {done.returncode}")
        told = json.loads(done.stdout)
        for one in told["models"]:
            print(
                f"{promise:14}{one['model']:16}{one['state_count']:12,}"
                f"{one['recovered_count']:12,}{one['failure_count']:8,}"
            )
        seconds, count = told["seconds"], told["state_count"]
        print(f"{promise:14}{count:,} states in {seconds:.0f} s: {count / seconds:,.0f} states/s")
        wrong = wrong or done.returncode == 1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
