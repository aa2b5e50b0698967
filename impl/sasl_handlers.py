"""SaslHandshake and SaslAuthenticate, and what a connection may ask before it is somebody.

Source: Kafka 4.3, SaslServerAuthenticator; KIP-152.
"""

from typing import Final

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.broker_state import Answer, BrokerState, Session
from iowitness.impl.message_codec import codec_of
from iowitness.impl.messages.sasl import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
    SaslHandshakeRequest,
    SaslHandshakeResponse,
)
from iowitness.impl.request_header import RequestHeader, finished, response_frame
from iowitness.impl.sasl_exchange import MECHANISMS, SaslExchange
from iowitness.impl.scram import SaslRefused
from iowitness.impl.wire import write_int32
from iowitness.impl.wire_errors import ErrorCode, Farewell, ProtocolViolation

FOR_STRANGERS: Final = frozenset(
    {ApiKey.API_VERSIONS, ApiKey.SASL_HANDSHAKE, ApiKey.SASL_AUTHENTICATE}
)
_REFUSAL: Final = "authentication failed: unknown user or wrong password"


def check_may_ask(session: Session, header: RequestHeader) -> None:
    """Raises ProtocolViolation for a request that only a user may make."""
    if not session.is_authenticated and header.api_key not in FOR_STRANGERS:
        name = APIS[header.api_key].key.name if header.api_key in APIS else header.api_key
        raise ProtocolViolation(
            f"{name} before authentication, expected SaslHandshake: set the client's "
            f"security.protocol to SASL_PLAINTEXT or SASL_SSL and a mechanism of "
            f"{', '.join(MECHANISMS)}"
        )


def handshake(
    state: BrokerState, session: Session, header: RequestHeader, request: SaslHandshakeRequest
) -> SaslHandshakeResponse:
    """Whether the mechanism is there. Raises `Farewell` if not: nothing more can come of it."""
    del state
    exchange = session.sasl
    if exchange is None or exchange.expects_message or exchange.is_done:
        return SaslHandshakeResponse(
            error_code=ErrorCode.ILLEGAL_SASL_STATE, mechanisms=_told(session)
        )
    if exchange.choose(request.mechanism, header.version):
        return SaslHandshakeResponse(error_code=ErrorCode.NONE, mechanisms=MECHANISMS)
    refusal = SaslHandshakeResponse(
        error_code=ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms=MECHANISMS
    )
    raise _farewell(
        header,
        refusal,
        f"mechanism={request.mechanism!r}, expected one of {', '.join(MECHANISMS)}",
    )


def authenticate(
    state: BrokerState, session: Session, header: RequestHeader, request: SaslAuthenticateRequest
) -> SaslAuthenticateResponse:
    """The mechanism's answer. Raises `Farewell` for one that fails. A session has no end."""
    del state
    exchange = session.sasl
    if exchange is None or not exchange.expects_message or exchange.is_raw:
        return SaslAuthenticateResponse(
            error_code=ErrorCode.ILLEGAL_SASL_STATE,
            error_message="SaslAuthenticate, expected SaslHandshake first, and once",
        )
    try:
        answer = exchange.answer(request.auth_bytes)
    except SaslRefused as refused:
        refusal = SaslAuthenticateResponse(
            error_code=ErrorCode.SASL_AUTHENTICATION_FAILED, error_message=_REFUSAL
        )
        raise _farewell(header, refusal, f"authentication failed: {refused}") from None
    return SaslAuthenticateResponse(error_code=ErrorCode.NONE, auth_bytes=answer)


def raw_answer(exchange: SaslExchange, frame: memoryview) -> Answer:
    """The answer to a bare message, as they follow version 0 of the handshake.

    Raises ProtocolViolation for one that fails: there is no way to say so.
    """
    try:
        answer = exchange.answer(bytes(frame))
    except SaslRefused as refused:
        raise ProtocolViolation(f"authentication failed: {refused}") from None
    out = bytearray()
    write_int32(out, len(answer))
    out += answer
    return [out]


def _told(session: Session) -> tuple[str, ...]:
    return () if session.sasl is None else MECHANISMS


def _farewell(
    header: RequestHeader,
    response: SaslHandshakeResponse | SaslAuthenticateResponse,
    reason: str,
) -> Farewell:
    frame = response_frame(header)
    flexible = APIS[header.api_key].flexible(header.version)
    codec_of(type(response), header.version, flexible=flexible).write(frame, response)
    return Farewell(reason, finished(frame))
