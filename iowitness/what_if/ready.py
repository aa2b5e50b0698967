"""What-ifs by path, or by the name of one that comes with the package."""

from importlib import resources
from pathlib import Path
from typing import Any

from iowitness.model.experiment import WhatIfPlan
from iowitness.model.what_if_reader import read_what_if
from iowitness.preset_files import preset_reader


class WhatIfNotFound(Exception):
    """There is neither a file nor a ready what-if of that name."""


def ready_names() -> tuple[str, ...]:
    """The what-ifs that come with the package."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name[: -len(".yaml")] for name in names if name.endswith(".yaml")))


def what_if_text(name_or_path: str) -> tuple[str, str]:
    """Its text, and what messages call it; `WhatIfNotFound` names the ready ones."""
    if name_or_path in ready_names():
        name = f"{name_or_path}.yaml"
        return (_folder() / name).read_text("utf-8"), name
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(ready_names())
        raise WhatIfNotFound(f"{name_or_path!r}, expected a YAML file, or one of {known}")
    return path.read_text("utf-8"), name_or_path


def load_what_if(name_or_path: str) -> WhatIfPlan:
    """Its plan; raises `WhatIfError` with all that is wrong with it."""
    text, source_name = what_if_text(name_or_path)
    return read_what_if(text, source_name, preset_reader(Path(name_or_path).parent))


def _folder() -> Any:
    return resources.files("iowitness.model") / "what_ifs"
