"""The name under which a thread is shown by the kernel: in `top`, in traces."""

import ctypes
from typing import Final

_PR_SET_NAME: Final = 15
_LONGEST_NAME_BYTE_COUNT: Final = 15


def name_this_thread(name: str) -> None:
    """Give the calling thread a name of at most 15 bytes. Source: prctl(2), PR_SET_NAME."""
    encoded = name.encode()
    assert len(encoded) <= _LONGEST_NAME_BYTE_COUNT
    ctypes.CDLL(None).prctl(_PR_SET_NAME, encoded, 0, 0, 0)
