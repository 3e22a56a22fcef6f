"""Who may decide on an action now, and through which team each of them may. Reads only; the decision asks again."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from approvals.models import Action
from tools.matrix import DIRECTLY, Holder, holders

MOST_NAMES: Final = 6
"""People who are named of one team; the rest are counted."""


@dataclass(frozen=True)
class Through:
    """A team that gives the right to review a tool, and its people who may decide; no team for those who have it
    themselves."""

    team: str
    names: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True)
class Deciders:
    """Who may decide, and who holds the right and may not."""

    through: tuple[Through, ...]
    left_out: tuple[str, ...]
    """People with the right who may not: the request acts for them, or they wrote what is shown."""


def reviewers(action: Action) -> list[Holder]:
    """Everybody who holds review on the action's tool, by name. One query; none without a tool."""
    return holders(action.organization_id, action.tool_id, "review") if action.tool_id else []


def deciders(action: Action, found: list[Holder], *, without: Collection[uuid.UUID] = ()) -> Deciders:
    """Those of an action's reviewers who may decide on it, by the team that gives them the right."""
    out = {*action.principals, *without}
    teams: dict[str, list[str]] = {}
    for one in found:
        for team in one.through if one.user not in out else ():
            teams.setdefault(team, []).append(one.name)
    ordered = sorted(teams, key=lambda team: (team == DIRECTLY, team))
    return Deciders(
        tuple(
            Through(team, tuple(teams[team][:MOST_NAMES]), max(0, len(teams[team]) - MOST_NAMES)) for team in ordered
        ),
        tuple(one.name for one in found if one.user in out),
    )


def _through(team: str, names: list[str]) -> Through:
    return Through(team, tuple(names[:MOST_NAMES]), max(0, len(names) - MOST_NAMES))
