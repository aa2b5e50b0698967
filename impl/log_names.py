"""The names of a log's files: the base offset in 20 digits, and a suffix that says what it is."""

from typing import Final

LOG: Final = ".log"
OFFSET_INDEX: Final = ".index"
TIME_INDEX: Final = ".timeindex"
ABORTED_TRANSACTIONS: Final = ".txnindex"
SNAPSHOT: Final = ".snapshot"
DELETED: Final = ".deleted"
CLEANED: Final = ".cleaned"
SWAP: Final = ".swap"
SEGMENT_SUFFIXES: Final = (LOG, OFFSET_INDEX, TIME_INDEX, ABORTED_TRANSACTIONS)

_DIGIT_COUNT: Final = 20


def file_name(base_offset: int, suffix: str) -> str:
    """`00000000000000000042.log` for 42 and `.log`."""
    return f"{base_offset:0{_DIGIT_COUNT}d}{suffix}"


def base_offset_of(name: str) -> int | None:
    """The offset that a file's name begins with; None for other names."""
    digits = name[:_DIGIT_COUNT]
    if len(digits) == _DIGIT_COUNT and digits.isascii() and digits.isdigit():
        return int(digits)
    return None


def suffix_of(name: str) -> str:
    """What follows the base offset: `.log`, `.index.swap`, ..."""
    return name[_DIGIT_COUNT:]
