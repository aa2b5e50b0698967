"""As much of HTTP/1.1 as a scraper needs: GET and HEAD of one page, one answer a connection. Pure.

Source: RFC 9112, sections 2 to 6 and 9.6.
"""

from collections.abc import Callable
from typing import Final

from iowitness.impl.exposition import CONTENT_TYPE

PATH: Final = "/metrics"
MOST_REQUEST_BYTE_COUNT: Final = 8_192

_END: Final = b"\r\n\r\n"


def http_answer(came: bytes, page: Callable[[], str]) -> bytes | None:
    """The answer to what has come so far; None if the request has not ended yet.

    `page` is asked for only where it is wanted.
    """
    head, end, _ = came.partition(_END)
    if not end:
        if len(came) < MOST_REQUEST_BYTE_COUNT:
            return None
        return _response("431 Request Header Fields Too Large", "the request has no end\n")
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return _response("400 Bad Request", "expected GET /metrics HTTP/1.1\n")
    method, target, _version = words
    if method not in {"GET", "HEAD"}:
        return _response("405 Method Not Allowed", "expected GET\n", "Allow: GET, HEAD\r\n")
    if target.partition("?")[0] != PATH:
        return _response("404 Not Found", f"expected {PATH}\n")
    answer = _response("200 OK", page())
    return answer if method == "GET" else answer[: answer.index(_END) + len(_END)]


def _response(status: str, body: str, more: str = "") -> bytes:
    content = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(content)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + content
