"""ask: a reviewer wants to know something of whoever asked before deciding. It decides nothing; the time runs on."""

import uuid

from accounts.models import User
from approvals.models import Remark
from approvals.services.canaries import ended
from approvals.services.deciding import remembers_refusals, shown, take
from approvals.services.remarks import say, words
from approvals.states import ActionStatus
from traces.clock import now


@remembers_refusals("ask")
def ask(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID, digest: str, reason: str = "") -> Remark | None:
    """Keep a question to the initiator (its words are ``reason``), and mark the action as asking until somebody for
    whom it acts answers. Whoever asks about a canary has noticed it: that ends it, and nobody is asked anything.

    Raises WordsMissing, TooMuchSaid, and as ``take`` and ``shown``.
    """
    text = words(reason)
    action = take(actor=actor, organization=organization, action_id=action_id)
    shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    if action.canary:
        ended(action, actor, how="ask", said=text)
        return None
    question = say(action, actor=actor, kind=Remark.Kind.QUESTION, text=text, verb="asked")
    action.asked_at = now()
    action.save(update_fields=["asked_at"])
    return question
