"""Drawn calls that open files and move bytes: what strace prints, and the events."""

from iowitness.traces.events import File, Opened, Read, Received, Sent, Transferred, Written
from tests.strategies.traces_kernel import ERRORS, Content, Description, DrawnCall, Kernel, escaped


class MovingCalls(Kernel):
    """The calls that open files and move bytes."""

    def open_file(self, thread_id: int, path: str, flags: tuple[str, ...]) -> DrawnCall:
        is_new = path not in self.names
        if is_new:
            flags = (*flags, "O_CREAT", "O_EXCL")
            self.names[path] = Content(File(self._id(), path), path)
        content = self.names[path]
        if "O_TRUNC" in flags:
            content.data.clear()
        size = len(content.data)
        description = Description(content, append="O_APPEND" in flags)
        number = self.bind(thread_id, description)
        shown = f'"{escaped(path.encode())}", {"|".join(("O_RDWR", *flags))}'
        mode = ", 0644" if is_new else ""
        return DrawnCall(
            thread_id,
            "openat",
            f"AT_FDCWD, {shown}{mode}",
            self.words(number, description),
            lambda moment: [
                Opened(
                    **self.at(thread_id, "openat", moment),
                    file=content.file,
                    descriptor=number,
                    access="read-write",
                    size_byte_count=size,
                    append=description.append,
                    created=is_new,
                    truncated="O_TRUNC" in flags,
                )
            ],
        )

    def write(self, thread_id: int, number: int, data: bytes, count: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        shown = f"{self.words(number, description)}, {self.string(data)}, {len(data)}"
        if content is None:
            return self._sent(thread_id, "write", shown, description, data, count)
        offset = len(content.data) if description.append else description.position
        self._store(content, offset, data[:count])
        if count:
            description.position = offset + count
        return DrawnCall(
            thread_id,
            "write",
            shown,
            str(count),
            lambda moment: [
                Written(
                    **self.at(thread_id, "write", moment),
                    file=content.file,
                    offset=offset,
                    byte_count=count,
                    requested_byte_count=len(data),
                    append=description.append,
                    data=self.kept(data, count),
                )
            ],
        )

    def _store(self, content: Content, offset: int, data: bytes) -> None:
        if data and len(content.data) < offset:
            content.data.extend(bytes(offset - len(content.data)))
        content.data[offset : offset + len(data)] = data

    def _sent(
        self, thread_id: int, name: str, shown: str, end: Description, data: bytes, count: int
    ) -> DrawnCall:
        channel = end.channel
        assert channel is not None
        return DrawnCall(
            thread_id,
            name,
            shown,
            str(count),
            lambda moment: [
                Sent(
                    **self.at(thread_id, name, moment),
                    channel=channel,
                    byte_count=count,
                    requested_byte_count=len(data),
                    data=self.kept(data, count),
                )
            ],
        )

    def write_failed(self, thread_id: int, number: int, data: bytes, error: str) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        offset = len(content.data) if description.append else description.position
        return DrawnCall(
            thread_id,
            "write",
            f"{self.words(number, description)}, {self.string(data)}, {len(data)}",
            f"-1 {error} ({ERRORS[error]})",
            lambda moment: [
                Written(
                    **self.at(thread_id, "write", moment),
                    error=error,
                    file=content.file,
                    offset=offset,
                    byte_count=0,
                    requested_byte_count=len(data),
                    append=description.append,
                )
            ],
        )

    def place(self, thread_id: int, number: int, offset: int, data: bytes) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        offset = len(content.data) if description.append else offset
        self._store(content, offset, data)
        return DrawnCall(
            thread_id,
            "pwrite64",
            f"{self.words(number, description)}, {self.string(data)}, {len(data)}, {offset}",
            str(len(data)),
            lambda moment: [
                Written(
                    **self.at(thread_id, "pwrite64", moment),
                    file=content.file,
                    offset=offset,
                    byte_count=len(data),
                    requested_byte_count=len(data),
                    append=description.append,
                    data=self.kept(data, len(data)),
                )
            ],
        )

    def gather(self, thread_id: int, number: int, parts: list[bytes]) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        offset = len(content.data) if description.append else description.position
        data = b"".join(parts)
        self._store(content, offset, data)
        if data:
            description.position = offset + len(data)
        shown = ", ".join(
            f"{{iov_base={self.string(each)}, iov_len={len(each)}}}" for each in parts
        )
        kept = b""
        for part in parts:
            kept += part[: self.content_byte_count]
            if len(part) > self.content_byte_count:
                break
        return DrawnCall(
            thread_id,
            "writev",
            f"{self.words(number, description)}, [{shown}], {len(parts)}",
            str(len(data)),
            lambda moment: [
                Written(
                    **self.at(thread_id, "writev", moment),
                    file=content.file,
                    offset=offset,
                    byte_count=len(data),
                    requested_byte_count=len(data),
                    append=description.append,
                    data=kept,
                )
            ],
        )

    def read(self, thread_id: int, number: int, requested: int, received: bytes) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content, channel = description.content, description.channel
        if content is None:
            assert channel is not None
            data = received[:requested]
            return DrawnCall(
                thread_id,
                "read",
                f"{self.words(number, description)}, {self.string(data)}, {requested}",
                str(len(data)),
                lambda moment: [
                    Received(
                        **self.at(thread_id, "read", moment),
                        channel=channel,
                        byte_count=len(data),
                        requested_byte_count=requested,
                        data=self.kept(data, len(data)),
                    )
                ],
            )
        offset = description.position
        found = bytes(content.data[offset : offset + requested])
        description.position += len(found)
        return self._read(thread_id, "read", number, description, offset, found, requested, "")

    def fetch(self, thread_id: int, number: int, requested: int, offset: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        assert description.content is not None
        found = bytes(description.content.data[offset : offset + requested])
        return self._read(
            thread_id, "pread64", number, description, offset, found, requested, f", {offset}"
        )

    def _read(
        self,
        thread_id: int,
        name: str,
        number: int,
        description: Description,
        offset: int,
        data: bytes,
        requested: int,
        tail: str,
    ) -> DrawnCall:
        content = description.content
        assert content is not None
        return DrawnCall(
            thread_id,
            name,
            f"{self.words(number, description)}, {self.string(data)}, {requested}{tail}",
            str(len(data)),
            lambda moment: [
                Read(
                    **self.at(thread_id, name, moment),
                    file=content.file,
                    offset=offset,
                    byte_count=len(data),
                    requested_byte_count=requested,
                    data=self.kept(data, len(data)),
                )
            ],
        )

    def seek(self, thread_id: int, number: int, position: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        description.position = position
        shown = f"{self.words(number, description)}, {position}, SEEK_SET"
        return DrawnCall(thread_id, "lseek", shown, str(position), lambda _moment: [])

    def send_file(self, thread_id: int, out: int, number: int, count: int) -> DrawnCall:
        table = self.tasks[thread_id].table
        source, destination = table[number], table[out]
        content, channel = source.content, destination.channel
        assert content is not None
        assert channel is not None
        offset = source.position
        moved = max(0, min(count, len(content.data) - offset))
        source.position += moved
        return DrawnCall(
            thread_id,
            "sendfile",
            f"{self.words(out, destination)}, {self.words(number, source)}, NULL, {count}",
            str(moved),
            lambda moment: [
                Transferred(
                    **self.at(thread_id, "sendfile", moment),
                    source=content.file,
                    offset=offset,
                    destination=channel,
                    destination_offset=None,
                    byte_count=moved,
                    requested_byte_count=count,
                )
            ],
        )
