"""What every reliability script prints first: when, where, and of which commit."""

import datetime
import platform
import subprocess


def print_head(what: str) -> None:
    """One line."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    now = datetime.datetime.now(datetime.UTC)
    print(f"{what}: {now:%Y-%m-%d %H:%M} UTC, Linux {platform.release()}, commit {commit or '?'}")
