"""YAML read with positions, so that every error of a file is told at once as file:line:column.

`read_yaml` turns text into plain values and remembers where each stands; `validate` holds them
against a pydantic model. Scalars follow YAML 1.2's core schema (`yes` and `12:30` are text), and
`1e5` and `2.5e3` are integers. Problems that the syntax allows but a reader should not (duplicate
keys, tags, endless aliases) are kept in the document and told together with the model's.
Source: YAML 1.2.2, section 10.3 (core schema).
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

Path: TypeAlias = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

NODE_LIMIT = 200_000
"""Nodes after which aliases are taken for an attack (each use of an alias counts in full)."""


class Position(NamedTuple):
    """A place in the text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong at one place."""

    position: Position
    message: str


class LocatedErrors(Exception):
    """All that is wrong with one file, in the order of its lines.

    `str()` of it has one `file:line:column: message` a line.
    """

    def __init__(self, source_name: str, problems: list[Problem]) -> None:
        self.source_name = source_name
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One text for each problem."""
        return [
            f"{self.source_name}:{p.position.line}:{p.position.column}: {p.message}"
            for p in self.problems
        ]


@dataclass(frozen=True, slots=True)
class LocatedDocument:
    """Plain values (dict, list, str, int, float, bool, None) and where each of them stands.

    `value_positions` and `key_positions` go from a path such as `("disk", "zones", 0)` to a place;
    `problems` is what the walk already found.
    """

    source_name: str
    content: object
    value_positions: Mapping[Path, Position] = field(default_factory=dict)
    key_positions: Mapping[Path, Position] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def position(self, path: Path) -> Position:
        """Where the value of `path` stands, or that of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            found = self.value_positions.get(path[:length])
            if found is not None:
                return found
        return Position(1, 1)

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value of `path`, for checks that a model cannot do."""
        return Problem(self.position(path), message)


def read_yaml(
    text: str, source_name: str, error: type[LocatedErrors] = LocatedErrors
) -> LocatedDocument:
    """The document in `text`; raises `error` where it is no YAML at all."""
    try:
        # S506: a subclass of the safe loader, and only its composer runs: no object is constructed.
        root = yaml.compose(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as found:
        raise error(source_name, [_syntax_problem(found)]) from None
    except yaml.YAMLError as found:
        reason = str(found).splitlines()[0]
        raise error(source_name, [Problem(Position(1, 1), f"no YAML: {reason}")]) from None
    walk = _Walk()
    content = walk.value(root, ()) if root is not None else None
    return LocatedDocument(
        source_name, content, walk.value_positions, walk.key_positions, tuple(walk.problems)
    )


def validate(
    document: LocatedDocument, model: type[ModelT], error: type[LocatedErrors] = LocatedErrors
) -> ModelT:
    """The document as a `model`; raises `error` with everything that is wrong with it."""
    try:
        value = model.model_validate(document.content if document.content is not None else {})
    except ValidationError as found:
        problems = [_model_problem(document, model, dict(one)) for one in found.errors()]
        raise error(document.source_name, [*document.problems, *problems]) from None
    if document.problems:
        raise error(document.source_name, list(document.problems))
    return value


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where it was built in


class _PlainLoader(_LOADER):  # type: ignore[misc]  # the base is chosen at run time
    """Leaves every plain scalar as text, because PyYAML's own rules are YAML 1.1's."""

    yaml_implicit_resolvers: Mapping[str, object] = {}  # PyYAML's own attribute


_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_CONSTANTS = {"": None, "~": None} | {
    spelling: constant
    for word, constant in (("null", None), ("true", True), ("false", False))
    for spelling in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _scalar(text: str) -> object:
    """The value of a plain scalar. A whole number with an exponent is an integer."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        has_exponent = "e" in text or "E" in text
        return int(number) if has_exponent and number.is_integer() else number
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _place(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _syntax_problem(found: yaml.MarkedYAMLError) -> Problem:
    mark = found.problem_mark or found.context_mark
    reason = ", ".join(part for part in (found.context, found.problem) if part)
    return Problem(_place(mark) if mark else Position(1, 1), f"no YAML: {reason}")


class _Walk:
    """One pass over the nodes: values, their places, and what is wrong with them."""

    def __init__(self) -> None:
        self.value_positions: dict[Path, Position] = {}
        self.key_positions: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self._node_count = 0
        self._open_nodes: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> object:
        """The plain value of a node and all below it."""
        self.value_positions[path] = place = _place(node.start_mark)
        self._node_count += 1
        if id(node) in self._open_nodes or self._node_count > NODE_LIMIT:
            self.problems.append(Problem(place, f"{_dotted(path)}: an alias without an end"))
            return None
        if node.tag not in _TAGS:
            self.problems.append(
                Problem(place, f"{_dotted(path)}: tag {node.tag}, expected a value without a tag")
            )
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else _scalar(node.value)
        self._open_nodes.add(id(node))
        try:
            return self._collection(node, path)
        finally:
            self._open_nodes.discard(id(node))

    def _collection(self, node: yaml.Node, path: Path) -> object:
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        content: dict[str, object] = {}
        for key_node, value_node in node.value:
            place = _place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(place, f"{_dotted(path)}: a key that is no text"))
                continue
            key = key_node.value
            if key in content:
                first = self.key_positions[*path, key]
                self.problems.append(
                    Problem(
                        place,
                        f"{_dotted((*path, key))}: stands twice, first at line {first.line}",
                    )
                )
                continue
            self.key_positions[*path, key] = place
            content[key] = self.value(value_node, (*path, key))
        return content


def _dotted(path: Path) -> str:
    """A path as one reads it: `disk.zones[0].rpm`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "document"


_BOUNDS = {
    "greater_than": ("gt", "> "),
    "greater_than_equal": ("ge", ">= "),
    "less_than": ("lt", "< "),
    "less_than_equal": ("le", "<= "),
    "literal_error": ("expected", ""),
    "enum": ("expected", ""),
    "multiple_of": ("multiple_of", "a multiple of "),
    "union_tag_invalid": ("expected_tags", "one of "),
}


def _model_problem(
    document: LocatedDocument, model: type[BaseModel], found: Mapping[str, Any]
) -> Problem:
    """One of pydantic's errors as `path=value, expected ...` at its place in the text."""
    path = _document_path(document.content, found["loc"])
    kind = found["type"]
    if kind == "missing":
        missing = (*path, found["loc"][-1])
        return document.problem(path, f"{_dotted(missing)} is missing, expected it here")
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, found["loc"][:-1]))
        near = difflib.get_close_matches(str(found["loc"][-1]), known, n=1)
        expected = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        place = document.key_positions.get(path, document.position(path))
        return Problem(place, f"{_dotted(path)}: unknown key, {expected}")
    expectation = _expectation(found)
    separator = ", " if expectation.startswith(("expected", "did")) else ": "
    return document.problem(path, f"{_shown(path, found['input'])}{separator}{expectation}")


def _shown(path: Path, value: object) -> str:
    if isinstance(value, dict | list | BaseModel):
        return _dotted(path)
    return f"{_dotted(path)}={value!r}" if isinstance(value, str) else f"{_dotted(path)}={value}"


def _expectation(found: Mapping[str, Any]) -> str:
    kind, context, message = found["type"], found.get("ctx", {}), str(found["msg"])
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        return f"expected {words}{f'{bound:g}' if isinstance(bound, float) else bound}"
    if kind == "union_tag_not_found":
        return f"expected the key {context['discriminator']}, which says what kind it is"
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", message))
    if kind in ("model_type", "dict_type"):
        return "expected keys with values"
    return message.replace("Input should be ", "expected ").replace("Value should", "expected to")


def _document_path(content: object, location: tuple[str | int, ...]) -> Path:
    """The part of pydantic's location that exists in the text: union tags fall out of it."""
    path: list[str | int] = []
    for part in location:
        items: Mapping[str | int, object] = {}
        if isinstance(content, dict):
            items = content
        elif isinstance(content, list):
            items = dict(enumerate(content))
        if part in items:
            content = items[part]
            path.append(part)
    return tuple(path)


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> set[str]:
    """The keys that could stand at a location: those of every model that may be there."""
    models = {model}
    for part in location:
        deeper = {
            found
            for one in models
            for name, one_field in one.model_fields.items()
            if part in (name, one_field.alias)
            for found in _models_in(one_field.annotation)
        }
        tagged = {one for one in models if _has_tag(one, part)}
        models = deeper or tagged or models
    return {one.alias or name for known in models for name, one in known.model_fields.items()}


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _has_tag(model: type[BaseModel], tag: str | int) -> bool:
    """True if a field of the model takes only literals, and `tag` among them."""
    return any(tag in get_args(one.annotation) for one in model.model_fields.values())
