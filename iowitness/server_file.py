"""The file of `iowitness serve --config`: properties or YAML, everything wrong told at once."""

from collections.abc import Iterator
from pathlib import Path

from iowitness.impl.properties import read_properties
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.server_settings import put_setting
from iowitness.located_yaml import LocatedErrors, Position, Problem, read_yaml


def read_server_file(text: str, source_name: str, config: ServerConfig) -> ServerConfig:
    """The configuration with a file's settings. Raises `LocatedErrors`, `file:line:column: ...`.

    A name that ends in .yaml or .yml is read as YAML, a mapping of Kafka's names to values.
    """
    problems: list[Problem] = []
    is_yaml = Path(source_name).suffix in {".yaml", ".yml"}
    entries = _of_yaml(text, source_name, problems) if is_yaml else _of_properties(text)
    seen: dict[str, int] = {}
    for position, name, value in entries:
        if name in seen:
            message = f"{name}: stands here again, expected only on line {seen[name]}"
            problems.append(Problem(position, message))
            continue
        seen[name] = position.line
        try:
            config = put_setting(config, name, value)
        except ValueError as error:
            problems.append(Problem(position, str(error)))
    if problems:
        raise LocatedErrors(source_name, problems)
    return config


def _of_properties(text: str) -> Iterator[tuple[Position, str, str]]:
    for found in read_properties(text):
        yield Position(found.line, 1), found.name, found.value


def _of_yaml(
    text: str, source_name: str, problems: list[Problem]
) -> Iterator[tuple[Position, str, str]]:
    document = read_yaml(text, source_name)
    problems += document.problems
    content = {} if document.content is None else document.content
    if not isinstance(content, dict):
        problems.append(Problem(Position(1, 1), "expected a mapping of names to values"))
        return
    for name, value in content.items():
        position = document.key_positions.get((name,), Position(1, 1))
        if isinstance(value, bool):
            yield position, str(name), "true" if value else "false"
        elif isinstance(value, str | int):
            yield position, str(name), str(value)
        else:
            problems.append(Problem(position, f"{name}={value!r}: expected a number or a text"))
