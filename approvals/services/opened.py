"""Whether everything folded has been opened by whoever says yes: part of the decision, so it stands with the verbs."""

import uuid
from collections.abc import Mapping

from django.utils.crypto import constant_time_compare

from approvals.models import Action, Revision
from approvals.reading.folds import RISKY, folded, proof
from approvals.reading.shown import Argument


def unopened(action: Action, revision: Revision, reader: uuid.UUID, opened: Mapping[str, str]) -> list[Argument]:
    """The folded values that this person has not opened, of those that the risk asks to be opened.

    ``opened`` holds by path the tokens that came with what was opened (``approvals.reading.folds``).
    """
    if action.risk not in RISKY:
        return []
    return [one for one in folded(revision) if not was_opened(one, revision, reader, opened)]


def was_opened(one: Argument, revision: Revision, reader: uuid.UUID, opened: Mapping[str, str]) -> bool:
    """Whether this person opened this folded value of this revision."""
    return constant_time_compare(opened.get(one.path, ""), proof(revision.digest, one.path, reader))
