"""Settings by Kafka's names, out of properties and YAML, with every error at its place."""

import re
from pathlib import Path

import pytest

from iowitness.impl.properties import Property, read_properties
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.server_settings import put_setting, setting_names
from iowitness.located_yaml import LocatedErrors
from iowitness.server_file import read_server_file

_PROPERTIES = """log.segment.bytes=1048576
log.retention.hours=2
num.partitions=3
connections.max.idle.ms=5000
auto.create.topics.enable=false
log.flush.interval.ms=7
"""
_ROOT = Path(__file__).parents[2]


def test_properties_are_read_as_java_reads_them() -> None:
    text = (
        "# comment\n! comment\n\n  a=1\nb : 2\nc 3\nlong = one \\\n   two\nempty=\n"
        "esc\\=aped=tab\\there\nuni=\\u00e9\nlast=x"
    )
    assert read_properties(text) == (
        Property("a", "1", 4),
        Property("b", "2", 5),
        Property("c", "3", 6),
        Property("long", "one two", 7),
        Property("empty", "", 9),
        Property("esc=aped", "tab\there", 10),
        Property("uni", "é", 11),
        Property("last", "x", 12),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("server.properties", _PROPERTIES),
        ("server.yaml", _PROPERTIES.replace("=", ": ")),
    ],
)
def test_both_kinds_of_file_say_the_same(name: str, text: str) -> None:
    config = read_server_file(text, name, ServerConfig())
    assert config.log.segment_byte_count == 1_048_576
    assert config.log.retention_ms == 7_200_000
    assert config.log.flush_ms == 7
    assert config.default_partition_count == 3
    assert config.times.idle_ms == 5_000
    assert not config.auto_create_topics


def test_all_errors_of_a_file_are_told_at_once_with_their_lines() -> None:
    text = "num.partitions=0\nnode.id=x\nnode.id=1\nnode.ids=1\nlog.cleanup.policy=x"
    with pytest.raises(LocatedErrors) as caught:
        read_server_file(text, "s.properties", ServerConfig())
    unknown = "unknown setting, expected one of docs/server.md: did you mean node.id?"
    assert caught.value.lines() == [
        "s.properties:1:1: num.partitions=0: default_partition_count=0, expected 1..10000",
        "s.properties:2:1: node.id=x: expected a whole number",
        "s.properties:3:1: node.id: stands here again, expected only on line 2",
        f"s.properties:4:1: node.ids: {unknown}",
        "s.properties:5:1: log.cleanup.policy=x: expected delete, compact, or both with a comma",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a list\n", "s.yaml:1:1: expected a mapping"),
        ("\nnode.id: [1]\n", "s.yaml:2:1: node.id=[1]: expected a number or a text"),
    ],
)
def test_yaml_that_is_no_mapping_of_values_is_told(text: str, expected: str) -> None:
    with pytest.raises(LocatedErrors, match=re.escape(expected)):
        read_server_file(text, "s.yaml", ServerConfig())


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_has_an_effect_and_refuses_nonsense(name: str) -> None:
    candidates = ("1048576", "7", "true", "false", "compact")
    changed = 0
    for text in candidates:
        try:
            changed += put_setting(ServerConfig(), name, text) != ServerConfig()
        except ValueError:
            continue
    assert changed
    with pytest.raises(ValueError, match=f"{re.escape(name)}=nonsense: "):
        put_setting(ServerConfig(), name, "nonsense")


def test_the_server_s_page_names_every_setting() -> None:
    page = (_ROOT / "docs/server.md").read_text()
    assert [name for name in setting_names() if f"`{name}`" not in page] == []
