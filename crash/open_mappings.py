"""Which files are mapped shared and writable by whom, while a history goes by."""


class OpenMappings:
    """Mapped bytes by process and inode. `ever` has every inode that was mapped so."""

    def __init__(self) -> None:
        self._byte_counts: dict[tuple[int, int], int] = {}
        self.ever: set[int] = set()

    def add(self, process_id: int, inode: int, byte_count: int) -> None:
        """One mapping more."""
        key = (process_id, inode)
        self._byte_counts[key] = self._byte_counts.get(key, 0) + byte_count
        self.ever.add(inode)

    def remove(self, process_id: int, inode: int, byte_count: int) -> bool:
        """A part went; whether nobody maps the file any more."""
        key = (process_id, inode)
        if key not in self._byte_counts:
            return False
        self._byte_counts[key] -= byte_count
        if self._byte_counts[key] > 0:
            return False
        del self._byte_counts[key]
        return self._is_settled(inode)

    def end(self, process_id: int) -> list[int]:
        """A process ended; the inodes that nobody maps any more."""
        ended = [inode for owner, inode in self._byte_counts if owner == process_id]
        for inode in ended:
            del self._byte_counts[process_id, inode]
        return [inode for inode in ended if self._is_settled(inode)]

    def _is_settled(self, inode: int) -> bool:
        return all(other != inode for _, other in self._byte_counts)
