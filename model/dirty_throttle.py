"""How Linux slows writers down as dirty pages approach their limit: the control law, in bytes.

Between the background limit and the hard one the kernel gives every writer a rate, `dirty_ratelimit
* pos_ratio`: the first follows the device's measured write bandwidth, the second falls as dirty
pages grow past the setpoint. Nothing here is tuned; the constants are the kernel's.
Source: mm/page-writeback.c of Linux 4.18: pos_ratio_polynom, wb_position_ratio,
wb_update_write_bandwidth, wb_update_dirty_ratelimit, for one device and one domain.
"""

from dataclasses import dataclass

BANDWIDTH_INTERVAL_NS = 200_000_000
"""At most this often are the rates updated (BANDWIDTH_INTERVAL, HZ / 5)."""

_QUIET_NS = 1_000_000_000
_BANDWIDTH_PERIOD_NS = 4_096_000_000  # 3 s rounded up to a power of two, in ticks of 1 ms
_FIRST_BYTES_PER_S = 100 * 1_048_576  # INIT_BW
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DirtyLimits:
    """The two limits at one moment, in bytes; the freerun ceiling lies half way between them."""

    background_byte_count: float
    byte_count: float

    @property
    def freerun_byte_count(self) -> float:
        """Up to here nobody is slowed down."""
        return (self.background_byte_count + self.byte_count) / 2

    @property
    def setpoint_byte_count(self) -> float:
        """Where the control tries to keep the dirty bytes."""
        return (self.freerun_byte_count + self.byte_count) / 2


class DirtyThrottle:
    """The state of one device: its bandwidth estimate and the rate that writers get.

    `dirtied_byte_count` and `written_byte_count` only grow; who dirties and who writes adds to
    them. Rates are bytes per second.
    """

    def __init__(self) -> None:
        self.dirtied_byte_count = 0
        self.written_byte_count = 0
        self._bandwidth = float(_FIRST_BYTES_PER_S)
        self._mean_bandwidth = float(_FIRST_BYTES_PER_S)
        self._rate_limit = float(_FIRST_BYTES_PER_S)
        self._balanced = float(_FIRST_BYTES_PER_S)
        self._stamp_ns = 0
        self._dirtied_then = 0
        self._written_then = 0

    @property
    def mean_bandwidth(self) -> float:
        """What the device is thought to write, in bytes per second."""
        return self._mean_bandwidth

    def rate_bytes_per_s(self, dirty_byte_count: float, limits: DirtyLimits) -> float:
        """The rate that each writer may keep; 0 at the hard limit."""
        return self._rate_limit * self.position_ratio(dirty_byte_count, limits)

    def position_ratio(self, dirty: float, limits: DirtyLimits) -> float:
        """How far above or below the base rate, by where the dirty bytes stand."""
        limit, setpoint = limits.byte_count, limits.setpoint_byte_count
        if dirty >= limit:
            return 0.0
        ratio = min(2.0, max(0.0, 1 + ((setpoint - dirty) / (limit - setpoint)) ** 3))
        # The device's own line: it falls from the setpoint to 0 within eight seconds of writing.
        span = 8 * self._mean_bandwidth
        ratio *= max(0.25, (setpoint + span - dirty) / span)
        if dirty < limit / 2:
            ratio *= min(8.0, limit / 2 / max(dirty, 1.0))
        return ratio

    def update(self, now_ns: int, dirty: float, limits: DirtyLimits) -> None:
        """Measure again, if the interval is over. Writers above the freerun ceiling call this."""
        elapsed_ns = now_ns - self._stamp_ns
        if elapsed_ns < BANDWIDTH_INTERVAL_NS:
            return
        if elapsed_ns <= _QUIET_NS:
            self._update_bandwidth(elapsed_ns)
            self._update_rate_limit(elapsed_ns, dirty, limits)
        self._snapshot(now_ns)

    def update_bandwidth(self, now_ns: int) -> None:
        """Measure the device only. The flusher calls this."""
        elapsed_ns = now_ns - self._stamp_ns
        if elapsed_ns < BANDWIDTH_INTERVAL_NS:
            return
        if elapsed_ns <= _QUIET_NS:
            self._update_bandwidth(elapsed_ns)
        self._snapshot(now_ns)

    def _snapshot(self, now_ns: int) -> None:
        self._stamp_ns = now_ns
        self._dirtied_then = self.dirtied_byte_count
        self._written_then = self.written_byte_count

    def _update_bandwidth(self, elapsed_ns: int) -> None:
        """A moving average over four seconds, and a smoother one behind it."""
        period_ns = _BANDWIDTH_PERIOD_NS
        written = (self.written_byte_count - self._written_then) * _SECOND_NS
        old, mean = self._bandwidth, self._mean_bandwidth
        new = (written + old * (period_ns - elapsed_ns)) / period_ns
        if mean > old >= new:
            mean -= (mean - old) / 8
        if mean < old <= new:
            mean += (old - mean) / 8
        self._bandwidth, self._mean_bandwidth = new, mean

    def _update_rate_limit(self, elapsed_ns: int, dirty: float, limits: DirtyLimits) -> None:
        """Step towards the rate at which as much is dirtied as the device writes."""
        dirtied = self.dirtied_byte_count - self._dirtied_then
        dirty_rate = max(1.0, dirtied * _SECOND_NS / elapsed_ns)
        base = self._rate_limit
        task_rate = base * self.position_ratio(dirty, limits)
        balanced = min(task_rate * self._mean_bandwidth / dirty_rate, self._mean_bandwidth)
        if dirty < limits.setpoint_byte_count:
            step = max(0.0, min(self._balanced, balanced, task_rate) - base)
        else:
            step = max(0.0, base - max(self._balanced, balanced, task_rate))
        if step:
            # Far from the target the step is an eighth of the way, near it is halved and halved.
            step /= 2 ** min(64, int(base / (2 * step))) * 8
        self._rate_limit = max(1.0, base + step if base < balanced else base - step)
        self._balanced = balanced
