"""Who may do what with which tool, and through what: one read for people who look after rights.

Deciding never asks this: it asks ``tools.queries.holds``. Both say the same, which is tested.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Count

from accounts.models import Team
from tools.models import Tool, ToolGroupObjectPermission, ToolUserObjectPermission
from tools.rights import RIGHTS
from tools.shown import MATURITIES

DIRECTLY: Final = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who has a right, and through which teams; DIRECTLY among them where it was given to the person."""

    user: uuid.UUID
    name: str
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One tool: for each right, who has it, by name. A right that nobody has is there with nobody."""

    tool: uuid.UUID
    name: str
    holders: dict[str, tuple[Holder, ...]]


_HELD = """
SELECT t.id, t.name, held.codename, held.user_id, held.username, held.team
FROM tools_tool t LEFT JOIN LATERAL (
    SELECT p.codename, u.id AS user_id, u.username, '' AS team
    FROM tools_tooluserobjectpermission d
    JOIN auth_permission p ON p.id = d.permission_id
    JOIN accounts_user u ON u.id = d.user_id AND u.is_active
    JOIN accounts_membership m ON m.user_id = u.id AND m.organization_id = t.organization_id
    WHERE d.content_object_id = t.id
    UNION
    SELECT p.codename, u.id, u.username, team.name
    FROM tools_toolgroupobjectpermission g
    JOIN auth_permission p ON p.id = g.permission_id
    JOIN accounts_team team ON team.group_id = g.group_id
    JOIN accounts_user_groups ug ON ug.group_id = g.group_id
    JOIN accounts_user u ON u.id = ug.user_id AND u.is_active
    JOIN accounts_membership m ON m.user_id = u.id AND m.organization_id = t.organization_id
    WHERE g.content_object_id = t.id
) held ON true
WHERE t.organization_id = %s
ORDER BY t.name, t.id, held.codename, held.username, held.team
"""


_OF_ONE = _HELD.replace("t.organization_id = %s\n", "t.organization_id = %s AND t.id = %s AND held.codename = %s\n")


def holders(organization: uuid.UUID, tool: uuid.UUID, right: str) -> list[Holder]:
    """Who has one right on one tool, by name. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, [organization, tool, f"{right}_tool"])
        rows = cursor.fetchall()
    through: dict[tuple[uuid.UUID, str], list[str]] = {}
    for _, _, _, user, username, team in rows:
        through.setdefault((user, username), []).append(team)
    return [Holder(user, username, tuple(teams)) for (user, username), teams in through.items()]


_OF_SOME = _HELD.replace("t.organization_id = %s\n", "t.organization_id = %s AND t.id = ANY (%s)\n")


def matrix(organization: uuid.UUID, *, only: Sequence[uuid.UUID] | None = None) -> list[Line]:
    """Every tool of an organization by name, or ``only`` these, with who may use, review, stop, configure and audit it.

    One query.
    """
    with connection.cursor() as cursor:
        if only is None:
            cursor.execute(_HELD, [organization])
        else:
            cursor.execute(_OF_SOME, [organization, list(only)])
        rows = cursor.fetchall()
    names: dict[uuid.UUID, str] = {}
    through: dict[tuple[uuid.UUID, str, uuid.UUID, str], list[str]] = {}
    for tool, name, codename, user, username, team in rows:
        names[tool] = name
        if codename is not None:
            through.setdefault((tool, codename.removesuffix("_tool"), user, username), []).append(team)
    lines = {tool: Line(tool, name, dict.fromkeys(RIGHTS, ())) for tool, name in names.items()}
    for (tool, right, user, username), teams in through.items():
        lines[tool].holders[right] += (Holder(user, username, tuple(teams)),)
    return list(lines.values())


@dataclass(frozen=True, slots=True)
class Held:
    """One tool that a person has any right on: each right, in the rights' order, and through which teams."""

    tool: uuid.UUID
    name: str
    rights: tuple[tuple[str, tuple[str, ...]], ...]


_OF_PERSON = _HELD.replace("t.organization_id = %s\n", "t.organization_id = %s AND held.user_id = %s\n")


def of_person(organization: uuid.UUID, user: uuid.UUID) -> list[Held]:
    """The tools that somebody may do anything with, by name, and why; DIRECTLY stands first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_PERSON, [organization, user])
        rows = cursor.fetchall()
    found: dict[tuple[uuid.UUID, str], dict[str, list[str]]] = {}
    for tool, name, codename, _, _, team in rows:
        found.setdefault((tool, name), {}).setdefault(codename.removesuffix("_tool"), []).append(team)
    return [
        Held(tool, name, tuple((right, tuple(by[right])) for right in RIGHTS if right in by))
        for (tool, name), by in found.items()
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """One tool against some teams: the rights of each, in the teams' order, and how many people hold any directly."""

    tool: Tool
    cells: tuple[tuple[Team, tuple[str, ...]], ...]
    directly: int

    @property
    def freedom(self) -> str:
        """How freely the tool acts, in words."""
        return MATURITIES[self.tool.maturity][0]


def table(organization: uuid.UUID, tools: Sequence[Tool], teams: Sequence[Team]) -> list[Row]:
    """What these teams may do with these tools: two queries, however many of either."""
    ids = [tool.pk for tool in tools]
    held: dict[tuple[uuid.UUID, int], list[str]] = {}
    for tool, group, codename in ToolGroupObjectPermission.objects.filter(
        content_object__in=ids, group__in=[team.group_id for team in teams], content_object__organization=organization
    ).values_list("content_object_id", "group_id", "permission__codename"):
        held.setdefault((tool, group), []).append(codename.removesuffix("_tool"))
    alone = dict(
        ToolUserObjectPermission.objects.filter(
            content_object__in=ids, user__is_active=True, user__memberships__organization=organization
        )
        .values_list("content_object_id")
        .annotate(people=Count("user", distinct=True))
    )
    return [
        Row(
            tool,
            tuple(
                (team, tuple(right for right in RIGHTS if right in held.get((tool.pk, team.group_id), ())))
                for team in teams
            ),
            alone.get(tool.pk, 0),
        )
        for tool in tools
    ]
