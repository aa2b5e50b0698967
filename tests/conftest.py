"""Hypothesis profiles, and the reasons for which marked tests are skipped here."""

import functools
import gc
import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A shell starts background jobs with SIGINT ignored, and ignored it stays in every child: tests
# that interrupt programs would interrupt nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=60, deadline=None, print_blob=True)
settings.register_profile(
    "deep", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@functools.cache
def _no_strace() -> str | None:
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-e", "trace=none", "-o", "/dev/null", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        return f"ptrace is not allowed here: {tried.stderr.strip().splitlines()[:1]}"
    return None


def _no_root() -> str | None:
    return None if os.geteuid() == 0 else "needs root"


def _no_java() -> str | None:
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"needs {' and '.join(missing)} for the reference Kafka" if missing else None


_REASONS = {"live": _no_strace, "root": _no_root, "kafka": _no_java}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, reason_for in _REASONS.items():
            if item.get_closest_marker(marker) and (reason := reason_for()):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _sockets_that_foreign_clients_leave(request: pytest.FixtureRequest) -> Iterator[None]:
    """kafka-python leaves sockets to the collector, which would warn in some later test."""
    yield
    if any(request.node.get_closest_marker(name) for name in ("client", "kafka")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
