"""What the broker has done so far, counted. Pure: durations are arguments.

Counters only rise, and begin at 0 with the process.
"""

from bisect import bisect_left
from enum import Enum
from typing import Final

from iowitness.impl.api_table import APIS
from iowitness.impl.wire_errors import ErrorCode

BUCKET_ENDS_S: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
)  # fmt: skip
_BUCKET_ENDS_NS: Final = tuple(round(end * 1e9) for end in BUCKET_ENDS_S)


class Closed(Enum):
    """Why a connection ended."""

    BY_CLIENT = "client"
    VIOLATION = "violation"
    DEADLINE = "deadline"
    FAILURE = "failure"
    STOP = "stop"


class Histogram:
    """Durations in buckets; the last one has no end."""

    __slots__ = ("bucket_counts", "sum_ns")

    def __init__(self) -> None:
        self.bucket_counts = [0] * (len(BUCKET_ENDS_S) + 1)
        self.sum_ns = 0

    def observe(self, taken_ns: int) -> None:
        """Count one in; one that ends exactly at a bucket's end is within."""
        self.bucket_counts[bisect_left(_BUCKET_ENDS_NS, taken_ns)] += 1
        self.sum_ns += taken_ns

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.bucket_counts)


class Traffic:
    """Bytes in and out. What leaves by `sendfile` never was in this process, `copied` was read."""

    __slots__ = ("copied", "from_memory", "received", "sendfile")

    def __init__(self) -> None:
        self.received = 0
        self.from_memory = 0
        self.sendfile = 0
        self.copied = 0


class Metrics:
    """Everything that is counted."""

    __slots__ = (
        "accepted_count", "appended_byte_count", "appended_record_count", "appends", "closed",
        "flushes", "produce_errors", "requests", "traffic",
    )  # fmt: skip

    def __init__(self) -> None:
        self.traffic = Traffic()
        self.accepted_count = 0
        self.closed = dict.fromkeys(Closed, 0)
        self.requests: dict[int, Histogram] = {}
        self.flushes = Histogram()
        self.appends = 0
        self.appended_record_count = 0
        self.appended_byte_count = 0
        self.produce_errors: dict[str, int] = {}

    def answered(self, api_key: int, taken_ns: int) -> None:
        """A request was answered, so long after it was taken up."""
        histogram = self.requests.get(api_key)
        if histogram is None:
            histogram = self.requests[api_key] = Histogram()
        histogram.observe(taken_ns)

    def appended(self, record_count: int, byte_count: int) -> None:
        """A batch was appended to a log."""
        self.appends += 1
        self.appended_record_count += record_count
        self.appended_byte_count += byte_count

    def refused(self, error_code: int) -> None:
        """A batch was refused."""
        name = ErrorCode(error_code).name
        self.produce_errors[name] = self.produce_errors.get(name, 0) + 1


def api_name(api_key: int) -> str:
    """An API's name as a label: `Produce`, `ListOffsets`."""
    return "".join(word.capitalize() for word in APIS[api_key].key.name.split("_"))
