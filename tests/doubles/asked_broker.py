"""The broker without sockets: requests in, answers out, files that forget, clocks that obey."""

from typing import Any, TypeVar

from msgspec import Struct

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.broker import Broker
from iowitness.impl.broker_state import BrokerState, ParkedCall, Part, Session
from iowitness.impl.message_codec import codec_of
from iowitness.impl.request_header import (
    RequestHeader,
    finished,
    request_frame,
    skip_response_header,
)
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.topics import Topics
from iowitness.impl.wire import Cursor
from tests.doubles.forgetting_files import ForgettingFiles
from tests.doubles.running_broker import GROUPS_AT_ONCE

FOLDER = "/data"
_SHORT_MS = 1_000_000

ResponseT = TypeVar("ResponseT", bound=Struct)


class AskedBroker:
    """`now_ms` is the time of both of its clocks."""

    def __init__(
        self, config: ServerConfig | None = None, files: ForgettingFiles | None = None
    ) -> None:
        self.config = config or ServerConfig(groups=GROUPS_AT_ONCE)
        self.files = files or ForgettingFiles()
        self.now_ms = 1_000_000
        self.session = Session("10.0.0.7:4711")
        self._responses: dict[ParkedCall, Struct] = {}
        self._open()

    def _open(self) -> None:
        self.topics = Topics.open(FOLDER, self.config.log, self.files, now_ms=self.now_ms)
        self.state = BrokerState(
            self.config,
            self.topics,
            "cluster",
            9_092,
            wall_ms=lambda: self.now_ms,
            now_ns=lambda: self.now_ms * 1_000_000,
        )
        self.broker = Broker(self.state)

    def restart(self) -> None:
        """A clean stop and a start."""
        self.topics.close()
        self._open()

    def crash(self, seed: int) -> None:
        """The machine stops, and starts again."""
        self.files.crash(seed)
        self._open()

    def kill(self) -> None:
        """The process stops, and starts again: what was written is there, synced or not."""
        self.files.kill()
        self._open()

    def ask(self, kind: type[ResponseT], key: ApiKey, version: int, request: Struct) -> ResponseT:
        """The answer to a request that does not wait."""
        response = self.answer(self.call(key, version, request))
        assert isinstance(response, kind)
        return response

    def call(self, key: ApiKey, version: int, request: Struct) -> ParkedCall:
        """A request; `answer` knows what became of it."""
        header = RequestHeader(key, version, 7, "client")
        api = APIS[key]
        frame = request_frame(header)
        codec: Any = codec_of(type(request), version, flexible=api.flexible(version))
        codec.write(frame, request)
        answer = self.broker.answer(self.session, memoryview(finished(frame))[4:])
        call = answer if isinstance(answer, ParkedCall) else ParkedCall(header)
        if not isinstance(answer, ParkedCall):
            assert isinstance(answer, list)
            self._responses[call] = _read(header, answer)
        self._collect()
        return call

    def answer(self, call: ParkedCall) -> Struct | None:
        """The answer, None while it waits."""
        return self._responses.get(call)

    def wait(self, ms: int) -> None:
        """Let time pass, with a tick whenever one is due; over days only for groups."""
        until_ms = self.now_ms + ms
        is_short = ms <= _SHORT_MS
        while True:
            groups_ns = self.state.groups.next_deadline_ns()
            due_ns = self.broker.next_deadline_ns() if is_short else groups_ns
            due_ms = until_ms + 1 if due_ns is None else max(-(-due_ns // 1_000_000), self.now_ms)
            if due_ms > until_ms:
                break
            self.now_ms = due_ms
            self.broker.tick(due_ms * 1_000_000)
            self._collect()
        self.now_ms = until_ms

    def _collect(self) -> None:
        for call, parts in self.broker.finished():
            self._responses[call] = _read(call.header, parts)


def _read(header: RequestHeader, parts: "list[Part] | Any") -> Struct:
    (frame,) = parts
    assert isinstance(frame, bytearray)
    cursor = Cursor(memoryview(frame)[4:])
    assert skip_response_header(cursor, header) == header.correlation_id
    api = APIS[ApiKey(header.api_key)]
    assert api.response is not None
    flexible = api.flexible(header.version)
    response = codec_of(api.response, header.version, flexible=flexible).read(cursor)
    assert cursor.left == 0
    return response
