"""Telling owners what became of their records, once for each turn of the sender's loop."""

import logging

from iowitness.impl.delivery import Callbacks, Completions
from iowitness.impl.producer_batch import ProducerBatch
from iowitness.impl.producer_memory import ProducerMemory

log = logging.getLogger(__name__)


class FinishedBatches:
    """Batches that are done, and what that sets free.

    A batch that is given up while its request is under way tells its owners at once and keeps its
    memory until the answer or the connection's end: the kernel may still be reading it.
    """

    def __init__(self, memory: ProducerMemory, completions: Completions) -> None:
        self._memory = memory
        self._completions = completions
        self._callbacks: Callbacks = []
        self._freed_byte_count = 0
        self._has_news = False

    def finish(
        self,
        batch: ProducerBatch,
        *,
        base_offset: int = -1,
        log_append_time_ms: int = -1,
        error: Exception | None = None,
    ) -> None:
        """Set the outcome of a batch's records."""
        self._callbacks += batch.complete(base_offset, log_append_time_ms, error)
        self._has_news = True
        if not batch.is_in_flight:
            self.free(batch.reserved_byte_count)
            batch.reserved_byte_count = 0

    def landed(self, batch: ProducerBatch) -> None:
        """Note that a batch is no longer under way; one that was given up frees its memory now."""
        batch.is_in_flight = False
        if batch.is_done:
            self.free(batch.reserved_byte_count)
            batch.reserved_byte_count = 0

    def free(self, byte_count: int) -> None:
        """Give memory back at the end of the turn."""
        self._freed_byte_count += byte_count

    def tell(self) -> None:
        """Wake those who wait, give the memory back, and make the calls.

        Futures are done before their callbacks run. A callback that fails does not stop others.
        """
        if not self._has_news and not self._freed_byte_count:
            return
        callbacks, self._callbacks = self._callbacks, []
        freed, self._freed_byte_count = self._freed_byte_count, 0
        self._has_news = False
        self._completions.happened()
        self._memory.give_back(freed)
        for on_delivery, outcome, index, timestamp_ms in callbacks:
            try:
                if outcome.error is None:
                    on_delivery(outcome.sent(index, timestamp_ms), None)
                else:
                    on_delivery(None, outcome.error)
            except Exception:
                log.exception("a delivery callback failed")
