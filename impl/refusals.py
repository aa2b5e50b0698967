"""Why a part of a request is not done, as its answer says it: a code, and a message for people."""

import logging
from typing import Final

from iowitness.impl.topic_settings import SettingRefused
from iowitness.impl.wire_errors import ErrorCode

log = logging.getLogger(__name__)


class Refused(Exception):
    """What was asked is not done: the asker's fault."""

    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(error_code, message)
        self.error_code = error_code
        self.message = message


REFUSALS: Final = (Refused, SettingRefused, OSError)
"""What keeps a part of a request from being done, the disk's faults among them."""


def told_refusal(error: Exception, subject: str) -> tuple[ErrorCode, str]:
    """Code and message for one of `REFUSALS`; the disk's faults are logged too."""
    if isinstance(error, Refused):
        return error.error_code, error.message
    if isinstance(error, SettingRefused):
        return ErrorCode.INVALID_CONFIG, str(error)
    log.error("%s: %s", subject, error)
    return ErrorCode.KAFKA_STORAGE_ERROR, str(error)
