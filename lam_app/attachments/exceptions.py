"""What can be wrong with something attached. The docstring is the message; the class says what HTTP answers."""

from typing import ClassVar

from traces.exceptions import DomainError


class AttachmentRefused(DomainError):
    """This file cannot be attached."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "attachment_refused"


class NoRoomLeft(DomainError):
    """The organization has no room left for files. An administrator can have it enlarged."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "quota_reached"


class ReaderBusy(DomainError):
    """Several documents are being read just now. Send it again in a few seconds."""

    http_status: ClassVar[int] = 503
    code: ClassVar[str] = "unavailable"
    retry: ClassVar[bool] = True
