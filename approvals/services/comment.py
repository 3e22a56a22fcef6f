"""comment: something is said about an action, by whoever may read it. It decides nothing and grants nothing."""

import uuid

from accounts.models import Membership, User
from accounts.roles import Role
from approvals.exceptions import ActionNotFound, NotAReader
from approvals.models import Action, Remark
from approvals.services.deciding import remembers_refusals
from approvals.services.remarks import say, words
from tools.queries import holds


@remembers_refusals("comment")
def comment(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, text: str) -> Remark:
    """Keep what was said. Raises WordsMissing, ActionNotFound, NotAReader and TooMuchSaid."""
    kept = words(text)
    action = Action.objects.within(organization).select_for_update(of=("self",)).filter(id=action_id).first()
    if action is None:
        raise ActionNotFound
    if not _reads(actor, action):
        raise NotAReader
    return say(action, actor=actor, kind=Remark.Kind.COMMENT, text=kept, verb="commented")


def _reads(actor: User, action: Action) -> bool:
    """Whoever it acts for, its tool's reviewers, auditors and administrators: those who may look at it."""
    if actor.pk in action.principals or (action.tool_id and holds(actor.pk, action.tool_id, "review_tool")):
        return True
    place = Membership.objects.of(actor).filter(organization_id=action.organization_id).first()
    return place is not None and place.has(Role.AUDITOR, Role.ADMINISTRATOR)
