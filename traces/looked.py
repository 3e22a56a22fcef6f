"""That somebody read what is kept from most: an event like any other, in the audit log and on no timeline.

Such an event carries no run, so that reading a run's story adds nothing to it; the detail says what was looked at.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from traces.services import Actor, Entry, record

TRACE_READ: Final = "trace_read"
"""A model call was read, wherever it was shown."""


def looked(
    reader: Actor, organization: uuid.UUID, verb: str, *, kind: str, subject: uuid.UUID, detail: Mapping[str, Any]
) -> None:
    """Remember that a person looked, before they are shown anything: where that fails nothing is shown."""
    with transaction.atomic():
        record(Entry(organization, reader, verb, kind, subject, detail=detail))
