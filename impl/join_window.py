"""How long a rebalance waits for members to join. Pure; times in ns.

A group that was empty waits for an initial delay, and again each time somebody new came, up to the
rebalance timeout altogether: members that start together then share one generation. Any other waits
for those it knows. Source: Kafka's InitialDelayedJoin and DelayedJoin, KIP-134.
"""


class JoinWindow:
    """`ends_ns` is when waiting ends, None while nobody is waited for."""

    __slots__ = ("_delay_ns", "_has_newcomer", "_left_ns", "ends_ns", "is_initial")

    def __init__(self, delay_ns: int) -> None:
        self._delay_ns = delay_ns
        self._left_ns = 0
        self._has_newcomer = False
        self.is_initial = False
        self.ends_ns: int | None = None

    def open(self, timeout_ns: int, now_ns: int) -> None:
        """Wait for known members, at most so long."""
        self.is_initial = False
        self.ends_ns = now_ns + timeout_ns

    def open_initially(self, timeout_ns: int, now_ns: int) -> None:
        """Wait for whoever else may come."""
        self.is_initial = True
        self._has_newcomer = False
        self._left_ns = max(timeout_ns - self._delay_ns, 0)
        self.ends_ns = now_ns + self._delay_ns

    def somebody_came(self) -> None:
        """Note a newcomer: the next end may not be the last."""
        self._has_newcomer = True

    def is_over(self, now_ns: int) -> bool:
        """Whether waiting is over; it goes on by itself if somebody came and there is time left."""
        if self.ends_ns is None or self.ends_ns > now_ns:
            return False
        if self.is_initial and self._has_newcomer and self._left_ns:
            delay_ns = min(self._delay_ns, self._left_ns)
            self._left_ns -= delay_ns
            self._has_newcomer = False
            self.ends_ns = now_ns + delay_ns
            return not delay_ns
        return True

    def close(self) -> None:
        """Nobody is waited for any more."""
        self.is_initial = False
        self.ends_ns = None
