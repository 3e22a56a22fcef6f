"""Whose yes counts for a revision, and what is still missing. Reads only; ``approve`` and the gatekeeper ask it."""

import uuid
from collections.abc import Iterable

from approvals.facts.approvers import able, approving
from approvals.models import Action, Revision
from approvals.policy import unroutable_by
from approvals.voting import Lacking, lacking, strictest


def standing_votes(
    action: Action, revision: Revision, *, quorum: int = 0, teams: Iterable[tuple[str, int]] = ()
) -> tuple[list[uuid.UUID], Lacking]:
    """The people whose yes to this revision counts now, sorted, and what they leave to be desired.

    A yes counts while its giver may review the tool, is no principal, and on high risk did not write the arguments.
    ``quorum`` and ``teams`` are what somebody asks beside the action's own; the stricter of each counts.
    """
    yes = approving(action.tool_id, revision.id) if action.tool_id is not None else {}
    without = {*action.principals, *authors(action, revision)}
    may = {person: teams for person, teams in yes.items() if person not in without}
    needed = strictest([(team, number) for team, number in action.teams], list(teams))
    return sorted(may), lacking(may, quorum=max(action.quorum, quorum), teams=needed)


def unroutable_now(action: Action, revision: Revision | None = None) -> str:
    """Why not enough people could approve an action at this moment; empty where they could.

    What the action's own row says is of the moment it was ruled; rights and teams may have been mended since.
    """
    if action.tool_id is None:
        return action.unroutable
    current = revision or action.revisions.get(number=action.revision)
    teams = [(team, number) for team, number in action.teams]
    without = {*action.principals, *authors(action, current)}
    found = able(action.organization_id, action.tool_id, [team for team, _ in teams], without=without)
    return unroutable_by(found, action.quorum, teams)


def unroutable_among(actions: Iterable[Action]) -> dict[uuid.UUID, str]:
    """``unroutable_now`` of many actions. Those that ask for the same people are asked for once."""
    asked = list(actions)
    texts = Revision.objects.filter(action__in=[row.pk for row in asked if row.risk == "high"])
    written = list(texts.values_list("action_id", "number", "arguments_digest", "author_id")) if asked else []
    current = {(action, number): text for action, number, text, _ in written}
    said: dict[uuid.UUID, str] = {}
    known: dict[object, str] = {}
    for row in asked:
        if row.tool_id is None:
            said[row.pk] = row.unroutable
            continue
        own = current.get((row.pk, row.revision))
        without = frozenset({*row.principals, *(w for a, _, text, w in written if w and (a, text) == (row.pk, own))})
        teams = tuple((team, number) for team, number in row.teams)
        people = (row.organization_id, row.tool_id, row.quorum, teams, without)
        if people not in known:
            found = able(row.organization_id, row.tool_id, [team for team, _ in teams], without=without)
            known[people] = unroutable_by(found, row.quorum, list(teams))
        said[row.pk] = known[people]
    return said


def wrote(action: Action, revision: Revision, person: uuid.UUID) -> bool:
    """Whether the person's yes cannot count because the arguments are their own and the risk is high."""
    return person in authors(action, revision)


def authors(action: Action, revision: Revision) -> set[uuid.UUID]:
    """Who wrote the arguments of a revision, where that excludes them from approving; whichever revision said so.

    A permit that became void makes another revision of the same arguments, and they stay their author's.
    """
    if action.risk != "high":
        return set()
    of_the_same = Revision.objects.filter(action=action, arguments_digest=revision.arguments_digest)
    return {author for author in of_the_same.values_list("author", flat=True) if author is not None}
