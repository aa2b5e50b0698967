"""What happens to a test that cannot be traced here."""

from typing import NoReturn

import pytest

from iowitness.pytest_plugin.told import UNTRACEABLE


def untraceable(reason: str, *, is_required: bool) -> NoReturn:
    """Skip the test with the reason, or fail it where tracing is required."""
    __tracebackhide__ = True
    if is_required:
        pytest.fail(f"{UNTRACEABLE}{reason}", pytrace=False)
    pytest.skip(f"{UNTRACEABLE}{reason}")


def misused(message: str) -> NoReturn:
    """End the test for a mistake in how the plugin is used, without a traceback through it."""
    __tracebackhide__ = True
    pytest.fail(f"iowitness: {message}", pytrace=False)
