"""docs/kafka-behaviours.md names tests that exist, for every item from 1 on."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (\d[\d, ]*) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_ALIASES = {
    "log": "impl/test_log.py",
    "codec": "impl/test_batch_codec.py",
    "foreign": "impl/test_foreign_codecs.py",
    "machine": "impl/test_log_state_machine.py",
    "golden": "impl/test_golden_directories.py",
    "kafka": "live/test_reference_kafka.py",
    "small": "impl/test_small_parts.py",
    "intake": "impl/test_leader_intake.py",
}
_NAMED = re.compile(rf"\b({'|'.join(_ALIASES)}) ((?:`[^`]+`(?:, )?)+)")


def storage_rows() -> list[tuple[str, str]]:
    table = (_ROOT / "docs" / "kafka-behaviours.md").read_text()
    return [
        (number, shown) for number, shown in _ROW.findall(table) if int(number.split(",")[0]) <= 63
    ]


def test_every_storage_item_has_a_row() -> None:
    numbers = {int(one) for number, _ in storage_rows() for one in number.split(", ")}
    assert numbers == set(range(1, 64))


def test_the_tests_that_the_table_names_exist() -> None:
    missing = []
    for number, shown in storage_rows():
        for alias, names in _NAMED.findall(shown):
            defined = re.findall(r"def test_(\w+)", (_ROOT / "tests" / _ALIASES[alias]).read_text())
            for name in re.findall(r"`([^`]+)`", names):
                parts = re.sub(r"\[.*", "", name.removeprefix("test_")).split("…")
                pattern = ".*".join(map(re.escape, parts))
                if not any(re.match(pattern, one) for one in defined):
                    missing.append(f"{number}: {alias} {name}")
    assert missing == []


def test_the_files_that_the_table_names_exist() -> None:
    table = (_ROOT / "docs" / "kafka-behaviours.md").read_text()
    paths = re.findall(r"`(tests/[\w/]+\.py)`", table)
    assert paths
    assert [path for path in paths if not (_ROOT / path).exists()] == []
