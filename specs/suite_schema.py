"""The JSON Schema of suite files, for editors and other programs: made from the reader's models.

It says what one key can be. What spans several (a name used twice, a topic that nobody writes) and
whether a glob can fit anything only the reader tells.
"""

from typing import Any

from iowitness.specs.suite_yaml import SuiteKeys

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
"""Wherever a number, a constant or a formed word stands, a variable may stand for it."""

_SCALARS = frozenset({"integer", "number", "boolean"})


def suite_schema() -> dict[str, Any]:
    """The schema as JSON values, the same from run to run."""
    schema = SuiteKeys.model_json_schema(by_alias=True)
    schema["$schema"] = _DIALECT
    schema["title"] = "iowitness suite"
    for definition in (schema, *schema["$defs"].values()):
        definition.pop("description", None)
        required = _tagged(definition)
        if required:
            definition["required"] = sorted({*definition.get("required", ()), *required})
        properties = definition.get("properties", {})
        for name, one in properties.items():
            if name != "variables" and "const" not in one:
                properties[name] = _or_variable(one)
    return schema


def _tagged(definition: dict[str, Any]) -> list[str]:
    """The key that tells which of several shapes a mapping has: it has to be there."""
    properties = definition.get("properties", {})
    return [name for name in ("claim", "step") if "const" in properties.get(name, {})]


def _or_variable(one: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value, and `${name}` in place of any scalar in it."""
    if _is_formed(one):
        outer: dict[str, Any] = {key: one[key] for key in ("title", "default") if key in one}
        inner = {key: value for key, value in one.items() if key not in outer}
        return {**outer, "anyOf": [inner, _VARIABLE]}
    parts: dict[str, Any] = {
        key: [_or_variable(each) for each in value]
        for key, value in one.items()
        if key in ("anyOf", "prefixItems")
    }
    if isinstance(one.get("items"), dict):
        parts["items"] = _or_variable(one["items"])
    return {**one, **parts}


def _is_formed(one: dict[str, Any]) -> bool:
    is_text = one.get("type") == "string"
    return one.get("type") in _SCALARS or "enum" in one or (is_text and "pattern" in one)
