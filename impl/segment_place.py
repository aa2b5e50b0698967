"""Where a segment lives, and how it behaves."""

from msgspec import Struct

from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import LogFiles
from iowitness.impl.log_names import file_name


class SegmentPlace(Struct, frozen=True):
    """Where a segment lives and how it behaves."""

    files: LogFiles
    directory: str
    base_offset: int
    config: LogConfig

    def at(self, base_offset: int) -> "SegmentPlace":
        """The place of another segment of the same log."""
        return SegmentPlace(self.files, self.directory, base_offset, self.config)

    def path(self, suffix: str) -> str:
        """The path of one of the segment's files."""
        return f"{self.directory}/{file_name(self.base_offset, suffix)}"
