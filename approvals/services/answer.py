"""answer: somebody for whom an action acts says what a reviewer asked. It grants nothing and decides nothing."""

import uuid

from accounts.models import User
from approvals.exceptions import ActionNotFound, NotAPrincipal, NothingAsked
from approvals.models import Action, Remark
from approvals.services.deciding import remembers_refusals
from approvals.services.remarks import say, words


@remembers_refusals("answer")
def answer(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, text: str) -> Remark:
    """Keep the answer beside its question; the action asks no more.

    Raises WordsMissing, ActionNotFound, NotAPrincipal, NothingAsked and TooMuchSaid.
    """
    kept = words(text)
    action = Action.objects.within(organization).select_for_update(of=("self",)).filter(id=action_id).first()
    if action is None:
        raise ActionNotFound
    if actor.pk not in action.principals:
        raise NotAPrincipal
    if action.asked_at is None:
        raise NothingAsked(state=action.status)
    said = say(action, actor=actor, kind=Remark.Kind.ANSWER, text=kept, verb="answered")
    action.asked_at = None
    action.save(update_fields=["asked_at"])
    return said
