"""Who may use, review, stop, configure and audit a tool: granted to teams and people of one organization.

Nobody grants or takes a right that would become or was their own, alone or through a team: a second person has to. What
is granted here counts only while its holder is active and belongs to the organization (the view ``tools_right``), and
the database refuses a grant to anybody else, whoever writes it. A change is a row of ``tools_rightchange``: the
database gives or takes the right when the row is written, so that no process writes a right in any other way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, models

from accounts.exceptions import ChangeRefused, NotOfThisOrganization, NotOneself
from accounts.models import Membership, Team, User
from accounts.standing import Tell, administering
from tools.changes import RightChange
from tools.models import Tool, ToolGroupObjectPermission, ToolUserObjectPermission

RIGHTS: Final = ("use", "review", "stop", "configure", "audit")


def grant(tool: Tool, right: str, *, to: Team | User, by: User, reason: str) -> bool:
    """Give a team or a member a right on a tool. Returns whether it is new; granting twice is told of once.

    Raises MayNotAdminister, NotOneself, ChangeRefused for an unknown right or a missing reason, and
    NotOfThisOrganization for a team or person of another organization or who is switched off, all alike.
    """
    with _changing("right_granted", tool, right, whose=to, by=by, reason=reason) as tell:
        if not _belongs(to, tool):
            raise NotOfThisOrganization
        new = _change(tool, right, to, given=True, by=by, reason=reason)
        if new:
            tell(tool=tool.name, right=right, **_named(to))
    return new


def revoke(tool: Tool, right: str, *, of: Team | User, by: User, reason: str) -> bool:
    """Take a right on a tool from a team or a person; it is gone at the commit. Returns whether there was one.

    Raises MayNotAdminister, NotOneself, ChangeRefused.
    """
    with _changing("right_revoked", tool, right, whose=of, by=by, reason=reason) as tell:
        gone = _change(tool, right, of, given=False, by=by, reason=reason)
        if gone:
            tell(tool=tool.name, right=right, **_named(of))
    return gone


@contextmanager
def _changing(verb: str, tool: Tool, right: str, *, whose: Team | User, by: User, reason: str) -> Iterator[Tell]:
    """What granting and taking have in common: a right that there is, and nobody's own."""
    with administering(verb, by=by, organization=tool.organization_id, about=("tool", tool.pk), reason=reason) as tell:
        if right not in RIGHTS:
            raise ChangeRefused(f"right: {right!r} is not one of {', '.join(RIGHTS)}.")
        if _is_or_has(whose, by):
            raise NotOneself
        yield tell


def _named(whose: Team | User) -> dict[str, str]:
    if isinstance(whose, Team):
        return {"team": whose.name, "team_id": str(whose.pk)}
    return {"user": whose.username, "user_id": str(whose.pk)}


def _is_or_has(whose: Team | User, by: User) -> bool:
    """Whether a right of theirs is one's own."""
    return by.groups.filter(pk=whose.group_id).exists() if isinstance(whose, Team) else whose.pk == by.pk


def _belongs(whose: Team | User, tool: Tool) -> bool:
    if isinstance(whose, Team):
        return whose.organization_id == tool.organization_id
    return Membership.objects.of(whose).filter(organization_id=tool.organization_id).exists()


def _change(tool: Tool, right: str, whose: Team | User, *, given: bool, by: User, reason: str) -> bool:
    """Write the row that is the change, where it changes anything; of two hands at once, one does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rights:{tool.pk}"])
    held: models.QuerySet[Any] = (
        ToolGroupObjectPermission.objects.filter(group_id=whose.group_id)
        if isinstance(whose, Team)
        else ToolUserObjectPermission.objects.filter(user=whose)
    )
    if held.filter(permission__codename=f"{right}_tool", content_object=tool).exists() == given:
        return False
    named = {"team": whose} if isinstance(whose, Team) else {"user": whose}
    RightChange.objects.create(
        organization_id=tool.organization_id, tool=tool, right=right, given=given, by=by, reason=reason.strip(), **named
    )
    return True
