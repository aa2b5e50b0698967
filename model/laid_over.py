"""Mappings laid over mappings: how presets, a file and its variants become one scenario."""

from collections.abc import Mapping
from typing import Any


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `under`: mappings merge key by key, anything else replaces.

    A mapping of another `kind` replaces as a whole: a solid-state disk has no use for the zones of
    a spinning one. Neither argument is changed.
    """
    if over.get("kind", under.get("kind")) != under.get("kind"):
        return dict(over)
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = laid_over(below, value)
        else:
            merged[key] = value
    return merged


def assigned(content: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """`content` with the value at a path set; mappings on the way appear where they are missing."""
    first, *rest = path
    below = content.get(first)
    nested = below if isinstance(below, Mapping) else {}
    return {**content, first: assigned(nested, tuple(rest), value) if rest else value}
