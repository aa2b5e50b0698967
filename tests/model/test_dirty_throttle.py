"""`dirty_throttle`: the control law at its ends, and where it settles."""

from iowitness.model.dirty_throttle import DirtyLimits, DirtyThrottle

GB = 1e9
LIMITS = DirtyLimits(background_byte_count=20 * GB, byte_count=80 * GB)


def run(throttle: DirtyThrottle, writer_rate: float, device_rate: float, seconds: int) -> float:
    """Dirty bytes after one writer has run against one device for a while, in steps of 10 ms."""
    dirty, step_ns = LIMITS.freerun_byte_count, 10_000_000
    for number in range(seconds * 100):
        throttle.update(number * step_ns, dirty, LIMITS)
        rate = min(writer_rate, throttle.rate_bytes_per_s(dirty, LIMITS))
        throttle.dirtied_byte_count += int(rate / 100)
        throttle.written_byte_count += int(device_rate / 100)
        dirty += (rate - device_rate) / 100
    return dirty


def test_the_freerun_ceiling_and_the_setpoint_lie_between_the_limits() -> None:
    assert LIMITS.freerun_byte_count == 50 * GB
    assert LIMITS.setpoint_byte_count == 65 * GB


def test_nothing_more_may_be_dirtied_at_the_hard_limit() -> None:
    assert DirtyThrottle().rate_bytes_per_s(80 * GB, LIMITS) == 0


def test_rates_fall_as_dirty_pages_grow() -> None:
    throttle = DirtyThrottle()
    rates = [throttle.rate_bytes_per_s(dirty * GB, LIMITS) for dirty in range(50, 81)]
    assert rates == sorted(rates, reverse=True)


def test_dirty_pages_settle_at_the_setpoint() -> None:
    dirty = run(DirtyThrottle(), writer_rate=3 * GB, device_rate=0.5 * GB, seconds=300)
    assert abs(dirty - LIMITS.setpoint_byte_count) < 2 * GB


def test_the_bandwidth_estimate_finds_the_device() -> None:
    throttle = DirtyThrottle()
    run(throttle, writer_rate=3 * GB, device_rate=0.5 * GB, seconds=60)
    assert abs(throttle.mean_bandwidth - 0.5 * GB) < 0.01 * GB


def test_a_slow_writer_is_never_slowed_down() -> None:
    throttle = DirtyThrottle()
    dirty = run(throttle, writer_rate=0.3 * GB, device_rate=0.5 * GB, seconds=20)
    assert dirty < LIMITS.freerun_byte_count
    assert throttle.rate_bytes_per_s(dirty, LIMITS) > 0.3 * GB
