"""`located_yaml`: values with positions, all errors of a file at once."""

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from iowitness.located_yaml import LocatedErrors, read_yaml, validate


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Spinning(Strict):
    kind: Literal["spinning"]
    rpm: Annotated[int, Field(gt=0)]


class Solid(Strict):
    kind: Literal["solid"]
    read_latency_us: Annotated[float, Field(gt=0)]


class Machine(Strict):
    name: str
    disks: list[Annotated[Spinning | Solid, Field(discriminator="kind")]] = []
    dirty_ratio: float = 0.2
    durable: bool = False


def errors_of(text: str) -> list[str]:
    with pytest.raises(LocatedErrors) as caught:
        validate(read_yaml(text, "m.yaml"), Machine)
    return caught.value.lines()


def test_a_right_document_becomes_its_model() -> None:
    text = "name: a\ndisks:\n  - kind: spinning\n    rpm: 72e2\n  - {kind: spinning, rpm: 54e2}\n"
    machine = validate(read_yaml(text, "m.yaml"), Machine)
    assert [disk.rpm for disk in machine.disks if isinstance(disk, Spinning)] == [7200, 5400]


def test_all_errors_come_at_once_with_line_and_column() -> None:
    text = (
        "disks:\n"
        "  - kind: solid\n"
        "    read_latency_us: -3\n"
        "  - kind: spinning\n"
        "    rmp: 7200\n"
        "dirty_ratio: much\n"
        "dirty_ratio: 0.1\n"
    )
    assert errors_of(text) == [
        "m.yaml:1:1: name is missing, expected it here",
        "m.yaml:3:22: disks[0].read_latency_us=-3, expected > 0",
        "m.yaml:4:5: disks[1].rpm is missing, expected it here",
        "m.yaml:5:5: disks[1].rmp: unknown key, did you mean rpm?",
        "m.yaml:6:14: dirty_ratio='much', expected a valid number",
        "m.yaml:7:1: dirty_ratio: stands twice, first at line 6",
    ]


def test_an_unknown_tag_of_a_union_names_the_known_ones() -> None:
    assert errors_of("name: a\ndisks: [{kind: tape}]\n") == [
        "m.yaml:2:9: disks[0], expected one of 'spinning', 'solid'"
    ]


def test_a_key_far_from_all_known_ones_gets_their_list() -> None:
    assert errors_of("name: a\nzzz: 1\n") == [
        "m.yaml:2:1: zzz: unknown key, expected one of dirty_ratio, disks, durable, name"
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("012", 12),
        ("0o17", 15),
        ("0xff", 255),
        ("1e5", 100_000),
        ("1.5e3", 1500),
        ("1e-3", 0.001),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        (".inf", float("inf")),
        ("-.5", -0.5),
    ],
)
def test_scalars_are_read_as_yaml_1_2_does(text: str, value: object) -> None:
    content = read_yaml(f"a: {text}\n", "x.yaml").content
    assert content == {"a": value}
    assert type(content["a"]) is type(value)  # type: ignore[index]  # a dict by the line above


def test_text_that_is_no_yaml_is_refused_with_its_place() -> None:
    with pytest.raises(LocatedErrors) as caught:
        read_yaml("a: [1, 2\nb: 3\n", "x.yaml")
    assert caught.value.lines()[0].startswith("x.yaml:2:")


def test_two_documents_in_one_file_are_refused() -> None:
    with pytest.raises(LocatedErrors):
        read_yaml("a: 1\n---\nb: 2\n", "x.yaml")


def test_an_alias_of_itself_is_told_and_not_followed() -> None:
    document = read_yaml("a: &a\n  b: *a\n", "x.yaml")
    assert [p.message for p in document.problems] == ["a.b: an alias without an end"]


def test_aliases_that_multiply_are_cut_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 7)]
    document = read_yaml("\n".join(lines), "x.yaml")
    assert document.problems


def test_tags_are_told() -> None:
    document = read_yaml("a: !!python/object:os.system x\n", "x.yaml")
    assert "expected a value without a tag" in document.problems[0].message


def test_a_problem_can_be_placed_by_path() -> None:
    document = read_yaml("a:\n  - b: 1\n", "x.yaml")
    assert document.position(("a", 0, "b")) == (2, 8)
    assert document.position(("a", 0, "c")) == (2, 5)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc 012:-", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
)


@given(plain)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert read_yaml(json.dumps(value), "x.yaml").content == value
