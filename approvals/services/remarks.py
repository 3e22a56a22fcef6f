"""What the verbs that say something share: one remark, bounded, and the event that tells of it without its words."""

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import TooMuchSaid, WordsMissing
from approvals.models import Action, Remark
from traces.services import Entry, record
from traces.text import storable

MOST_CHARACTERS = 4000
MOST_REMARKS = 300
"""On one action: more than people say, and little enough to be read on one page."""


def words(text: str) -> str:
    """What a person wrote, as it is kept. Raises WordsMissing."""
    kept = storable(text.strip())[:MOST_CHARACTERS]
    if not kept:
        raise WordsMissing(errors={"text": WordsMissing().message})
    return kept


def say(action: Action, *, actor: User, kind: Remark.Kind, text: str, verb: str) -> Remark:
    """Write a remark on an action that is locked. Its words can be erased one day, so the event does not repeat them.

    Raises TooMuchSaid.
    """
    if action.remarks.count() >= MOST_REMARKS:
        raise TooMuchSaid(state=action.status)
    remark = Remark(organization_id=action.organization_id, action=action, author=actor, kind=kind, text=text)
    remark.save(force_insert=True)
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb=verb,
            subject_kind="action",
            subject=action.id,
            run=action.run,
            detail={"remark": str(remark.id)},
        )
    )
    return remark
