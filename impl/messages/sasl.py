"""Authentication: which mechanism, and the mechanism's own messages in an envelope.

Source: Kafka 4.3, clients/src/main/resources/common/message; KIP-152.
"""

from typing import Annotated

from msgspec import Struct

from iowitness.impl.message_codec import Int16, Int64, since


class SaslHandshakeRequest(Struct, frozen=True, kw_only=True):
    """Chooses a mechanism."""

    mechanism: str


class SaslHandshakeResponse(Struct, frozen=True, kw_only=True):
    """Whether the mechanism is there, and which ones are."""

    error_code: Int16
    mechanisms: tuple[str, ...] = ()


class SaslAuthenticateRequest(Struct, frozen=True, kw_only=True):
    """One message of the mechanism, from the client."""

    auth_bytes: bytes


class SaslAuthenticateResponse(Struct, frozen=True, kw_only=True):
    """One message of the mechanism, from the broker."""

    error_code: Int16
    error_message: str | None = None
    auth_bytes: bytes = b""
    session_lifetime_ms: Annotated[Int64, since(1)] = 0
