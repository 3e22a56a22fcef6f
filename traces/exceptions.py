"""Domain facts that are raised: each class says what it means, how HTTP calls it, and whether trying again can help.

Pure: no Django here, so that the deciding modules may raise these too.
"""

import inspect
from typing import ClassVar


class DomainError(Exception):
    """The request conflicts with a rule of this system."""

    http_status: ClassVar[int] = 400
    """The status of the answer that a client gets."""
    code: ClassVar[str] = "refused"
    """A stable word for programs; the message is for people and may change."""
    retry: ClassVar[bool] = False
    """Whether the very same request may succeed later."""

    def __init__(self, message: str = "", **extra: object) -> None:
        """`message` defaults to the class docstring's first paragraph; `extra` goes into the problem document."""
        self.message = message or inspect.cleandoc(type(self).__doc__ or "").split("\n\n")[0]
        self.extra = extra
        super().__init__(self.message)


class Unavailable(DomainError):
    """The database is busy or away just now. Try again in a few seconds, with the same Idempotency-Key.

    Whether what was sent had been kept by then may be unknown; the key, or a look, finds out.
    """

    http_status: ClassVar[int] = 503
    code: ClassVar[str] = "unavailable"
    retry: ClassVar[bool] = True


class SealKeyWrong(DomainError):
    """The file holds no key that can seal the record."""

    http_status: ClassVar[int] = 503
    code: ClassVar[str] = "seal_key_wrong"


class ExportBroken(DomainError):
    """This is not an export of the record that can be read."""

    code: ClassVar[str] = "export_broken"


class ForgettingUnsealed(DomainError):
    """Something was forgotten a moment ago, and what tells of it is not sealed yet. Try again in a few seconds."""

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "forgetting_unsealed"
    retry: ClassVar[bool] = True
