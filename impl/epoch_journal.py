"""The leader epochs of a log as its folder has them: `leader-epoch-checkpoint`."""

from collections.abc import Sequence
from typing import Final

from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.checkpoint_format import encode_epochs, read_epochs
from iowitness.impl.leader_epochs import EpochStart, LeaderEpochs
from iowitness.impl.log_files import LogFiles
from iowitness.impl.replaced_file import read_file, replace_file

NAME: Final = "leader-epoch-checkpoint"


class EpochJournal:
    """`epochs` may be changed by others; `save` writes what is new."""

    __slots__ = ("_directory", "_files", "_saved", "epochs")

    def __init__(self, files: LogFiles, directory: str) -> None:
        self._files = files
        self._directory = directory
        path = f"{directory}/{NAME}"
        self.epochs = LeaderEpochs(read_epochs(read_file(files, path) or b"", path))
        self._saved: tuple[EpochStart, ...] = self.epochs.starts

    def assign(self, headers: Sequence[BatchHeader]) -> None:
        """Notes the epochs of batches that are about to be written, and saves new ones."""
        latest = self.epochs.latest
        for header in headers:
            if header.partition_leader_epoch != latest:
                self.epochs.assign(header.partition_leader_epoch, header.base_offset)
                latest = self.epochs.latest
        self.save()

    def save(self) -> None:
        """Replaces the file if the epochs are not what it has.

        Raises `OSError` with the epochs as they are in the file, so that a later try saves again.
        """
        starts = self.epochs.starts
        if starts == self._saved:
            return
        try:
            replace_file(self._files, self._directory, NAME, encode_epochs(starts))
        except OSError:
            self.epochs = LeaderEpochs(self._saved)
            raise
        self._saved = starts
