"""Hypothesis strategies for records and batches."""

from hypothesis import strategies as st

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_writer import Headers, RecordFields
from iowitness.impl.compression import Compressor

TIMESTAMPS_MS = st.integers(0, 2**41)
MAYBE_BYTES = st.none() | st.binary(max_size=80)
HEADERS: st.SearchStrategy[Headers] = st.lists(
    st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=12)), max_size=3
)
CODECS = st.sampled_from(list(Codec))
COMPRESSORS = st.builds(Compressor, CODECS)


def record_fields() -> st.SearchStrategy[RecordFields]:
    """Timestamp, key, value and headers of one record, every null and empty form among them."""
    return st.tuples(TIMESTAMPS_MS, MAYBE_BYTES, MAYBE_BYTES, HEADERS)


def record_lists(max_size: int = 12) -> st.SearchStrategy[list[RecordFields]]:
    """What goes into one batch."""
    return st.lists(record_fields(), min_size=1, max_size=max_size)
