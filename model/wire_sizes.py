"""How long the requests and answers of the wire protocol are, to the byte where it matters.

Source: Kafka's protocol: a size of 4 bytes, a head (key, version, correlation id, client id), and
bodies of the versions before the flexible ones.
"""

SIZE_FIELD_BYTE_COUNT = 4
_REQUEST_HEAD_BYTE_COUNT = 2 + 2 + 4 + 2
_ANSWER_HEAD_BYTE_COUNT = 4


def _text(text: str) -> int:
    return 2 + len(text.encode())


def request_byte_count(client_id: str, body_byte_count: int) -> int:
    """A whole request."""
    head = SIZE_FIELD_BYTE_COUNT + _REQUEST_HEAD_BYTE_COUNT + len(client_id.encode())
    return head + body_byte_count


def answer_byte_count(body_byte_count: int) -> int:
    """A whole answer."""
    return SIZE_FIELD_BYTE_COUNT + _ANSWER_HEAD_BYTE_COUNT + body_byte_count


def produce_body_byte_count(topic: str, batch_byte_counts: list[int]) -> int:
    """Transactional id, acks, timeout, one topic, and per partition its number and records."""
    fixed = 2 + 2 + 4 + 4 + _text(topic) + 4
    return fixed + sum(4 + 4 + byte_count for byte_count in batch_byte_counts)


def produced_body_byte_count(topic: str, partition_count: int) -> int:
    """Per partition: number, error, base offset, append time, log start; then the throttle."""
    return 4 + _text(topic) + 4 + partition_count * (4 + 2 + 8 + 8 + 8) + 4


def fetch_body_byte_count(topic: str, partition_count: int) -> int:
    """Replica, wait, minimum, maximum, isolation, session; per partition its place and maximum."""
    fixed = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4 + _text(topic) + 4 + 4 + 2
    return fixed + partition_count * (4 + 4 + 8 + 8 + 4)


def fetched_body_byte_count(topic: str, partition_count: int) -> int:
    """Everything of a fetch's answer but the records themselves."""
    fixed = 4 + 2 + 4 + 4 + _text(topic) + 4
    return fixed + partition_count * (4 + 2 + 8 + 8 + 8 + 4 + 4 + 4)
