"""Who may see or decide on an action, each helper named by the right it asks for. Anything else is the same 404."""

import uuid

from django.http import Http404

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action
from tools.queries import permitted_tools


def reviewable_tools(membership: Membership) -> list[uuid.UUID]:
    """Ids of the tools on whose actions this person may decide: object permissions only, as the decision asks them.

    A permission on all tools at once, or being a superuser, gives nothing here. Pages and lists read this; the
    transaction that decides asks the rows themselves.
    """
    return permitted_tools(membership.user_id, membership.organization_id, "review_tool")


def may_decide(membership: Membership, action: Action, tools: list[uuid.UUID] | None = None) -> bool:
    """Whether a page offers a decision to this person. Whether they may decide is the verb's to say, again.

    ``tools`` are those that `reviewable_tools` named, where the page has asked for them already.
    """
    if membership.user_id in action.principals:
        return False
    return action.tool_id in (reviewable_tools(membership) if tools is None else tools)


def knows_canaries(membership: Membership) -> bool:
    """Whether this person is told of a canary while it waits: an auditor, unless they decide on requests as well."""
    return membership.has(Role.AUDITOR) and not membership.has(Role.REVIEWER)


def get_action_for_reading(membership: Membership, pk: uuid.UUID) -> Action:
    """An action that this person may look at: its tool's reviewers, whoever it acts for, auditors, administrators.

    Raises ``Http404`` otherwise, the same for what is missing and for what belongs to others.
    """
    found = (
        Action.objects.within(membership.organization_id)
        .select_related("tool", "initiator", "agent")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404
    if membership.has(Role.AUDITOR, Role.ADMINISTRATOR) or membership.user_id in found.principals:
        return found
    if found.tool_id in reviewable_tools(membership):
        return found
    raise Http404
