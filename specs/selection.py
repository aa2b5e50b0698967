"""Selections: which files, sockets, processes, threads and phases a contract speaks of.

They are parts of contracts (pydantic models, so that YAML and Python are the same thing) and yield
selectors, which hold an event against them. Patterns are those of `globs`.
"""

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from iowitness.specs.globs import PORT_PATTERN, PathGlobs, PortRanges, WordGlobs
from iowitness.specs.scene import THREAD_NAME_BYTE_COUNT, Scene
from iowitness.traces.events import Endpoint, File, IOEvent, Socket


def _as_list(value: object) -> object:
    """One pattern alone stands for a list of one."""
    return (str(value),) if isinstance(value, str | int) else value


def _as_ports(value: object) -> object:
    listed = _as_list(value)
    return tuple(map(str, listed)) if isinstance(listed, list | tuple) else listed


def _possible_globs(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if not pattern or pattern.endswith("/") or "//" in pattern:
            raise ValueError(f"{pattern!r} fits no file, expected a glob such as **/*.log")
        if {".", ".."} & set(pattern.split("/")):
            raise ValueError(f"{pattern!r} fits no file, because paths here have no . and ..")
    return patterns


def _possible_thread_names(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if len(re.sub(r"\[[^]]*\]", "?", pattern).replace("*", "")) > THREAD_NAME_BYTE_COUNT:
            raise ValueError(
                f"{pattern!r} fits no thread: the kernel keeps {THREAD_NAME_BYTE_COUNT} bytes of "
                "a name, expected a shorter one or a * at its end"
            )
    return patterns


def _possible_ports(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if not re.fullmatch(PORT_PATTERN, pattern):
            raise ValueError(f"{pattern!r} is no port, expected 9092 or 9092-9099")
        low, _, high = pattern.partition("-")
        if not 0 < int(low) <= int(high or low) <= 65_535:
            raise ValueError(f"{pattern!r} fits no port, expected 1 to 65535, the lower one first")
    return patterns


def one_or_several(one: dict[str, object]) -> WithJsonSchema:
    """The JSON Schema of a list in which one entry may stand by itself."""
    several = {"type": "array", "items": one}
    return WithJsonSchema({"anyOf": [one, several]})


_A_GLOB: dict[str, object] = {"type": "string", "minLength": 1}
_A_NAME: dict[str, object] = {"type": "string"}
_A_PORT: dict[str, object] = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 65_535},
        {"type": "string", "pattern": f"^{PORT_PATTERN}$"},
    ]
}

FileGlobs: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_list),
    AfterValidator(_possible_globs),
    one_or_several(_A_GLOB),
]
NameGlobs: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(_as_list), one_or_several(_A_NAME)
]
ThreadGlobs: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_list),
    AfterValidator(_possible_thread_names),
    one_or_several(_A_NAME),
]
Ports: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_ports),
    AfterValidator(_possible_ports),
    one_or_several(_A_PORT),
]


class Selecting(BaseModel):
    """What all selections share: they are values, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class OfActors(Selecting):
    """Processes by role (marks) or program, threads by name, and phases; empty means any."""

    roles: NameGlobs = ()
    programs: NameGlobs = ()
    threads: ThreadGlobs = ()
    phases: NameGlobs = ()

    def actors(self, scene: Scene) -> "ActorSelector":
        """What holds an event against these patterns."""
        return ActorSelector(self, scene)


class OfFiles(OfActors):
    """Files by glob, on any name that they have had so far."""

    files: FileGlobs
    not_files: FileGlobs = ()

    def file_selector(self, scene: Scene) -> "FileSelector":
        """What holds a file against these patterns."""
        return FileSelector(scene, self.files, self.not_files)


class OfSockets(OfActors):
    """Network sockets by local and remote port; empty means any."""

    local_ports: Ports = ()
    remote_ports: Ports = ()

    def socket_selector(self) -> "SocketSelector":
        """What holds a socket against these patterns."""
        return SocketSelector(self.local_ports, self.remote_ports)


class ActorSelector:
    """Whether an event was done by a selected process and thread, in a selected phase."""

    __slots__ = ("_phases", "_programs", "_roles", "_scene", "_threads", "is_everyone")

    def __init__(self, selection: OfActors, scene: Scene) -> None:
        self._scene = scene
        self._roles = WordGlobs(selection.roles) if selection.roles else None
        self._programs = WordGlobs(selection.programs) if selection.programs else None
        self._threads = WordGlobs(selection.threads) if selection.threads else None
        self._phases = WordGlobs(selection.phases) if selection.phases else None
        self.is_everyone = not (
            selection.roles or selection.programs or selection.threads or selection.phases
        )

    def fit(self, event: IOEvent) -> bool:
        """True if process, thread and phase of the event are all selected."""
        if self.is_everyone:
            return True
        scene = self._scene
        if not self.fit_process(event.process_id):
            return False
        if self._threads and not self._threads.fit(scene.thread_name(event.thread_id)):
            return False
        return self._phases is None or any(map(self._phases.fit, scene.open_phases))

    def fit_process(self, process_id: int) -> bool:
        """True if the process is selected, whatever its threads do."""
        scene = self._scene
        if self._roles and not self._roles.fit(scene.role(process_id)):
            return False
        return self._programs is None or self._programs.fit(scene.program(process_id))


class FileSelector:
    """Whether a file is selected by one of its names."""

    __slots__ = ("_excluded", "_included", "_known", "_new_paths")

    def __init__(self, scene: Scene, included: tuple[str, ...], excluded: tuple[str, ...]) -> None:
        self._new_paths = scene.new_paths
        self._included = PathGlobs(included, scene.root)
        self._excluded = PathGlobs(excluded, scene.root)
        self._known: dict[str, bool] = {}

    def fit(self, endpoint: Endpoint | None) -> bool:
        """True for a file that is included and not excluded."""
        if not isinstance(endpoint, File):
            return False
        if self.fit_path(endpoint.path):
            return True
        renamed = self._new_paths.get(endpoint.file_id)
        return renamed is not None and self.fit_path(renamed)

    def fit_path(self, path: str) -> bool:
        """True for a name that is included and not excluded."""
        known = self._known.get(path)
        if known is None:
            known = self._included.fit(path) and not self._excluded.fit(path)
            self._known[path] = known
        return known


class SocketSelector:
    """Whether an endpoint is a selected network socket."""

    __slots__ = ("_known", "_local", "_remote")

    def __init__(self, local_ports: tuple[str, ...], remote_ports: tuple[str, ...]) -> None:
        self._local = PortRanges(local_ports)
        self._remote = PortRanges(remote_ports)
        self._known: dict[tuple[str, str, str], bool] = {}

    def fit(self, endpoint: Endpoint | None) -> bool:
        """True for a TCP or UDP socket with selected ports."""
        if not isinstance(endpoint, Socket):
            return False
        key = (endpoint.family, endpoint.local, endpoint.remote)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (
                endpoint.family.startswith(("TCP", "UDP"))
                and self._local.fit(endpoint.local)
                and self._remote.fit(endpoint.remote)
            )
        return known
