"""Quantities: what a field's name says of its unit, and what becomes of texts with one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.units import field_unit, in_field_unit


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        ("linger_ms", "5 ms", 5),
        ("linger_ms", "0.5 s", 500),
        ("linger_ms", "250us", 0.25),
        ("duration_s", "2 h", 7_200),
        ("read_latency_us", "1 ms", 1_000),
        ("byte_count", "64 KiB", 65_536),
        ("segment_byte_count", "1 GB", 1_000_000_000),
        ("rate_bytes_per_s", "200 MB/s", 200_000_000),
        ("copy_total_bytes_per_s", "1 Gbit/s", 125_000_000),
        ("records_per_s", "1e4 records/s", 10_000),
        ("rotations_per_minute", "7200 rpm", 7_200),
        ("dirty_ratio", "20 %", 0.2),
    ],
)
def test_a_text_becomes_a_number_of_the_fields_unit(field: str, text: str, number: float) -> None:
    unit = field_unit(field)
    assert unit is not None
    assert in_field_unit(text, unit) == number
    assert re.search(unit.pattern, text)


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("linger_ms", "10 MB", "a number of ms, or a time such as '5 ms'"),
        ("byte_count", "5 ms", "a number of B, or a size such as '64 KiB'"),
        ("rate_bytes_per_s", "200 MB", "a number of B/s, or a rate such as '200 MB/s'"),
        ("byte_count", "64 kib", "a number of B, or a size such as '64 KiB'"),
        ("byte_count", "many", "a number of B, or a size such as '64 KiB'"),
        ("dirty_ratio", "20", "a number, or a share such as '40 %'"),
    ],
)
def test_a_text_of_another_dimension_is_refused_with_an_example(
    field: str, text: str, expected: str
) -> None:
    unit = field_unit(field)
    assert unit is not None
    with pytest.raises(ValueError, match=re.escape(f"expected {expected}")):
        in_field_unit(text, unit)
    assert not re.search(unit.pattern, text)


@pytest.mark.parametrize(
    "field", ["short_us_per_root_cylinder", "remote_store_ns_per_kib", "codec", "core_count"]
)
def test_a_field_whose_name_ends_in_no_unit_has_none(field: str) -> None:
    assert field_unit(field) is None


@given(st.integers(0, 2**53), st.sampled_from(["B", "KiB", "MiB", "kB", "GB"]))
def test_whole_sizes_are_exact(number: int, unit_name: str) -> None:
    unit = field_unit("byte_count")
    assert unit is not None
    factor = in_field_unit(f"1 {unit_name}", unit)
    assert in_field_unit(f"{number} {unit_name}", unit) == number * factor
