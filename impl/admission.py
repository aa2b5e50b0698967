"""Who may connect, and who may be read from: counts and bytes, without a socket. Pure.

Memory is what connections hold of unfinished frames and unsent answers. Above the limit nobody is
read from but one, so that its frame can be finished and its memory come back: with nobody
excepted, many half-sent frames would wait for each other. So the most that is held is the limit
and one frame. Source: max.connections, max.connections.per.ip, queued.max.request.bytes.
"""

from collections.abc import Iterator

from msgspec import Struct


class AdmissionLimits(Struct, frozen=True, kw_only=True):
    """How many connections, altogether and from one address, and how many bytes they may hold."""

    connection_count: int = 10_000
    connection_count_per_address: int = 5_000
    held_byte_count: int = 268_435_456

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}, expected >= 1")


class Doorkeeper:
    """Counts connections."""

    __slots__ = ("_by_address", "_limits", "count")

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._by_address: dict[str, int] = {}
        self.count = 0

    def enter(self, address: str) -> str | None:
        """Count one in, or say why it may not come in."""
        limits = self._limits
        from_there = self._by_address.get(address, 0)
        if self.count >= limits.connection_count:
            return f"connections={self.count}, expected fewer than {limits.connection_count}"
        if from_there >= limits.connection_count_per_address:
            return (
                f"connections from {address}={from_there}, "
                f"expected fewer than {limits.connection_count_per_address}"
            )
        self.count += 1
        self._by_address[address] = from_there + 1
        return None

    def leave(self, address: str) -> None:
        """Count one out that had entered."""
        self.count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class MemoryGate:
    """Who of the connections, by descriptor, may be read from."""

    __slots__ = ("_excepted", "_held", "_limit", "_waiting", "held_byte_count")

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limit = limits.held_byte_count
        self._held: dict[int, int] = {}
        self._waiting: dict[int, None] = {}
        self._excepted: int | None = None
        self.held_byte_count = 0

    def hold(self, key: int, byte_count: int) -> None:
        """Note how much one holds now; 0 also gives back being the excepted one."""
        before = self._held.pop(key, 0)
        self.held_byte_count += byte_count - before
        if byte_count:
            self._held[key] = byte_count
        elif key == self._excepted:
            self._excepted = None

    def may_read(self, key: int) -> bool:
        """Whether one may be read from; if not, it is among those that `released` gives later."""
        if self.held_byte_count < self._limit or key == self._excepted:
            return True
        if self._excepted is None and not self._waiting:
            self._excepted = key
            return True
        self._waiting[key] = None
        return False

    def forget(self, key: int) -> None:
        """Its connection is gone."""
        self.hold(key, 0)
        self._waiting.pop(key, None)

    def released(self) -> Iterator[int]:
        """Those who may be read from again, longest wait first."""
        while self._waiting:
            if self.held_byte_count >= self._limit:
                if self._excepted is not None:
                    return
                self._excepted = next(iter(self._waiting))
            key = next(iter(self._waiting))
            del self._waiting[key]
            yield key
