"""strace's times as integer nanoseconds: `-ttt`, `-t`, `-tt`, `-r`, or the line's own number.

Text becomes an integer without a float on the way, so that nothing is rounded.
"""

from typing import Literal

from iowitness.traces.trace_error import TraceError, quoted

SECOND_NS = 1_000_000_000
DAY_NS = 24 * 3600 * SECOND_NS
_LONGEST_RELATIVE_S = 100_000_000
"""A number of seconds below this is no UNIX time (it would be 1973) but the gap that -r prints."""

ClockForm = Literal["none", "time of day", "unix", "relative"]


def seconds_ns(text: bytes) -> int:
    """`12.000345` as nanoseconds; at most nine digits behind the point."""
    whole, _, fraction = text.partition(b".")
    if len(fraction) > 9:
        raise TraceError(f"time={quoted(text)}, expected at most nine digits behind the point")
    return int(whole) * SECOND_NS + int(fraction.ljust(9, b"0") or b"0")


def resolution_ns(text: bytes) -> int:
    """The smallest difference that the text of a time or a duration can show."""
    return int("1".ljust(10 - len(text.partition(b".")[2]), "0"))


class StraceClock:
    """Turns the times of one raw file into nanoseconds, which only a whole file can do.

    `-ttt` counts from 1970. `-t` and `-tt` count from midnight of the first line's day, and a step
    back by more than half a day is the next midnight. `-r` prints the distance to the line before;
    here it is added up from 0. Without times, a line's number stands for its time: what is known
    then is the order, and which calls were in progress together.
    """

    __slots__ = ("_days_ns", "_last_ns", "form", "resolution_ns")

    def __init__(self) -> None:
        self.form: ClockForm | None = None
        self.resolution_ns = 1
        self._days_ns = 0
        self._last_ns = 0

    def time_ns(self, text: bytes, line: int) -> int:
        """The time of a line; every line of a file has to be of the first one's form."""
        form = _form(text)
        if self.form is None:
            self.form = form
            self.resolution_ns = 0 if form == "none" else resolution_ns(text.partition(b" ")[0])
        elif form != self.form:
            raise TraceError(
                f"time={quoted(text)}, expected the form of the first line: {self.form}"
            )
        if form == "none":
            return line
        if form == "unix":
            return seconds_ns(text.partition(b" ")[0])
        if form == "relative":
            self._last_ns += seconds_ns(text)
            return self._last_ns
        return self._time_of_day_ns(text.partition(b" ")[0])

    def _time_of_day_ns(self, text: bytes) -> int:
        hours, minutes, seconds = text.split(b":")
        of_day = (int(hours) * 3600 + int(minutes) * 60) * SECOND_NS + seconds_ns(seconds)
        now = self._days_ns + of_day
        if now < self._last_ns - DAY_NS // 2:
            self._days_ns += DAY_NS
            now += DAY_NS
        self._last_ns = max(self._last_ns, now)
        return now


def _form(text: bytes) -> ClockForm:
    if not text:
        return "none"
    if text[2:3] == b":":
        return "time of day"
    whole = text.partition(b" ")[0].partition(b".")[0]
    return "relative" if int(whole) < _LONGEST_RELATIVE_S else "unix"
