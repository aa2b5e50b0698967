"""Presets by name or path: those that come with the package, and files beside a what-if."""

from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from iowitness.located_yaml import read_yaml, validate
from iowitness.model.hardware import Hardware
from iowitness.model.hardware_yaml import HardwarePart, read_hardware
from iowitness.model.yaml_parts import WhatIfError


def preset_names() -> tuple[str, ...]:
    """The presets that come with the package."""
    names = (entry.name for entry in _presets().iterdir())
    return tuple(sorted(name[: -len(".yaml")] for name in names if name.endswith(".yaml")))


def hardware_named(preset_name_or_path: str) -> Hardware:
    """A preset by its name, or the hardware of a YAML file by its path.

    Raises `WhatIfError` with all that is wrong with the file, `FileNotFoundError` where there is
    neither preset nor file.
    """
    try:
        text, source_name = _text(preset_name_or_path, Path())
    except LookupError as error:
        raise FileNotFoundError(f"preset={preset_name_or_path!r}, {error.args[0]}") from None
    return read_hardware(text, source_name, Path(preset_name_or_path).name.removesuffix(".yaml"))


def preset_reader(folder: Path) -> Callable[[str], Mapping[str, Any]]:
    """What `extends` of a file in `folder` leads to: the content of a preset, held to be right."""

    def content(name: str) -> Mapping[str, Any]:
        text, source_name = _text(name, folder)
        document = read_yaml(text, source_name, WhatIfError)
        validate(document, HardwarePart, WhatIfError)
        assert isinstance(document.content, dict)
        return document.content

    return content


def _presets() -> Any:
    return resources.files("iowitness.model") / "presets"


def _text(name_or_path: str, folder: Path) -> tuple[str, str]:
    if name_or_path in preset_names():
        name = f"{name_or_path}.yaml"
        return (_presets() / name).read_text("utf-8"), name
    path = folder / name_or_path
    if not path.is_file():
        known = ", ".join(preset_names())
        raise LookupError(f"expected one of {known}, or the path of a YAML file")
    return path.read_text("utf-8"), str(path)
