"""Values that are folded with their length, and the proof that somebody opened one. Reads only.

The page of a risky action does not hold what is folded: a reader fetches it, and with it comes a token over exactly
that revision, that argument and that person. Approving asks for the token of every folded value, so what nobody opened
cannot be approved, whatever a browser sends. A token proves that the text was sent to the person, which is as far as
any page can know; that somebody read it, nothing proves.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Final

from django.utils.crypto import salted_hmac

from approvals.models import Action, Revision
from approvals.reading import glyphs
from approvals.reading.shown import Argument, arguments
from tools.contract import Contract

PREFIX: Final = "opened:"
"""What the fields of the decide form begin with; the argument's path follows."""
RISKY: Final = frozenset({"medium", "high"})
"""Risks at which everything has to have been opened."""


def folded(revision: Revision) -> list[Argument]:
    """The arguments of a revision that are folded. Most have none, and then nothing else is read."""
    if not _may_fold(revision.arguments):
        return []
    version = revision.tool_version
    contract = Contract.from_json(version.contract) if version else None
    return [one for one in arguments(json.loads(revision.arguments), contract) if one.folded]


def _may_fold(canonical: str) -> bool:
    """Whether any value in this canonical JSON could be long enough."""
    return len(canonical) > glyphs.FOLD_CHARACTERS or canonical.count("\\n") > glyphs.FOLD_LINES


def guarded(action: Action) -> bool:
    """Whether folded values of this action are fetched one by one, because it still waits and the risk asks for it."""
    return action.status == "in_review" and action.risk in RISKY


def proof(digest: str, path: str, reader: uuid.UUID) -> str:
    """The token that comes with an opened value: for this revision, this argument and this person only."""
    return salted_hmac(__name__, json.dumps([digest, path, str(reader)]), algorithm="sha256").hexdigest()


def fields(action: Action, form: Mapping[str, str]) -> list[str]:
    """The fields for tokens that a decide form may have: one for each folded value of the revision that it names."""
    if not any(name.startswith(PREFIX) for name in form):
        return []
    named = action.revisions.select_related("tool_version").filter(digest=form.get("digest", "")).first()
    return [PREFIX + one.path for one in folded(named)] if named else []


def said_opened(form: Mapping[str, str]) -> dict[str, str]:
    """Path to token, from the fields of a decide form."""
    return {name.removeprefix(PREFIX): value for name, value in form.items() if name.startswith(PREFIX) and value}
