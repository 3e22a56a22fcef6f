"""Whom an occasion concerns, and what they are told. Reads only, and asks the rows as they are when it is asked."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from django.db import connection
from django.urls import reverse

from accounts.models import Membership, User
from accounts.roles import Role
from approvals import codes
from approvals.models import Action, Canary, Decision, Occasion
from approvals.notices.words import KINDS, title
from tools.killswitch import STOPPERS
from tools.listing import stop_says
from tools.models import KillSwitch, Tool
from traces.models import Event, EventDetail

OVER: Final = frozenset({"in_review", "scheduled", "uncertain"})
"""Statuses that people are told to do something about; what has left them needs nothing any more."""
_RUNS: Final = frozenset({"succeeded", "failed", "needs_input", "needs_human", "cancelled", "halted", "undone"})
_OUTCOMES: Final = frozenset({"done", "failed", "rejected", "expired", "uncertain", "halted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing to be told: to whom, in which words, and where to look."""

    kind: str
    title: str
    people: frozenset[uuid.UUID]
    subject: uuid.UUID
    path: str
    risk: str = ""
    tool: uuid.UUID | None = None


def of(occasion: Occasion) -> tuple[list[Told], bool]:
    """What is told on an occasion, and whether what was told of its subject before is over."""
    if occasion.kind == Occasion.Kind.TRIAL:
        people = frozenset({occasion.subject})
        trial = Told(
            kind="trial", title=title("trial"), people=people, subject=occasion.subject, path=reverse("notices")
        )
        return [trial], False
    if occasion.kind == Occasion.Kind.EXPIRING:
        action = _action(occasion)
        waits = action is not None and action.status == "in_review" and action.expires_at == occasion.mark
        return ([_about(action, "expiring", _reviewers(action), _asker(action))] if action and waits else []), False
    event = Event.objects.filter(organization=occasion.organization_id, pk=occasion.pk).first()
    if event is None:
        return [], False
    if event.subject_kind == "stop":
        return _of_stop(event), False
    if event.subject_kind == "run":
        return _of_run(event), False
    action = _action(occasion)
    return (_of_action(event, action) if action else []), event.source in OVER and event.target != event.source


def members(organization: uuid.UUID, *roles: Role) -> frozenset[uuid.UUID]:
    """Active members who hold any of these roles."""
    found = Membership.objects.filter(
        organization_id=organization, user__is_active=True, roles__overlap=[role.value for role in roles]
    )
    return frozenset(found.values_list("user_id", flat=True))


def still(kind_lasts: frozenset[str], subjects: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these actions still stand where a notice of them is worth saying."""
    return set(Action.objects.filter(pk__in=list(subjects), status__in=kind_lasts).values_list("pk", flat=True))


def _action(occasion: Occasion) -> Action | None:
    return (
        Action.objects.within(occasion.organization_id)
        .select_related("tool__version", "initiator", "agent")
        .defer("initiator__password")
        .filter(pk=occasion.subject)
        .first()
    )


def _of_action(event: Event, action: Action) -> list[Told]:
    """Those who may decide are told of what waits for them, whoever asked is told what became of it."""
    asker, by = _asker(action), event.actor_name
    found: list[Told] = []
    if event.verb == "unroutable":
        found.append(_about(action, "stuck", members(action.organization_id, Role.ADMINISTRATOR), asker))
    elif event.verb == "escalated":
        kind = "escalated_high" if action.risk == "high" else "escalated"
        found.append(_about(action, kind, members(action.organization_id, Role.ADMINISTRATOR), by))
    elif event.verb == "asked_team":
        kind = "brought_high" if action.risk == "high" else "brought"
        found.append(_about(action, kind, _asked(event, action), asker))
    elif event.verb == "reassigned":
        found.append(_about(action, "handed", frozenset({action.assignee_id} if action.assignee_id else ()), by))
    elif event.verb == "asked":
        found.append(_about(action, "asked", _askers(action), by))
    elif event.target == "in_review" and action.status == "in_review":
        found.append(_about(action, "waits", _reviewers(action), asker))
    elif event.target == "scheduled" and action.status == "scheduled" and action.verdict == "veto_window":
        found.append(_about(action, "leaving", _reviewers(action), asker))
    elif event.target == "uncertain":
        found.append(_about(action, "unknown", _reviewers(action), asker))
    if event.target in _OUTCOMES and event.target != event.source and not Canary.objects.filter(action=action).exists():
        found.append(_outcome(event, action))
    mine = event.actor if event.actor_kind == "person" else None
    return [_without(told, mine) for told in found if action.status in (KINDS[told.kind].lasts or {action.status})]


def _outcome(event: Event, action: Action) -> Told:
    kind, who, why = event.target, event.actor_name, ""
    decisions = Decision.objects.filter(action=action).select_related("decider").defer("decider__password")
    if kind == "done":
        yes = decisions.filter(verb=Decision.Verb.APPROVE).order_by("-created").first()
        kind, who = ("approved", yes.decider.username) if yes else ("done", "")
    elif kind == "rejected":
        no = decisions.filter(verb=Decision.Verb.REJECT).order_by("-created").first()
        why = codes.words(no.code).lower() if no and no.code else "see why"
    return _about(action, kind, _askers(action), who, why)


def _of_run(event: Event) -> list[Told]:
    """Whoever a run acts for is told how it ended, or that it asks them something."""
    whose = _initiator(event)
    if event.target not in _RUNS or whose is None:
        return []
    kind = f"run_{event.target}"
    told = Told(
        kind=kind,
        title=title(kind, who=event.actor_name),
        people=frozenset({whose}),
        subject=event.subject,
        path=reverse("run", args=[event.subject]),
    )
    return [_without(told, event.actor if event.actor_kind == "person" else None)]


def _initiator(event: Event) -> uuid.UUID | None:
    """Whose run it is: the mind's rows are not for us to read, so by its first event, or by what it proposed.

    A goal that no person gave just then, a schedule's or a signed message's, says in its event for whom it is.
    """
    told = Event.objects.filter(organization=event.organization, subject=event.subject, verb="submitted", source="")
    started = told.order_by("id").first()
    if started is not None and started.actor_kind == "person":
        return started.actor
    said = EventDetail.objects.filter(event=started.pk).values_list("detail", flat=True).first() if started else None
    if whose := (json.loads(said).get("for") if said else None):
        return uuid.UUID(whose)
    actions = Action.objects.within(event.organization).filter(run=event.subject)
    return actions.order_by("id").values_list("initiator_id", flat=True).first()


def _of_stop(event: Event) -> list[Told]:
    """Whoever may stop is told of a stop that somebody else engaged."""
    switch = KillSwitch.objects.filter(pk=event.subject).first()
    if switch is None:
        return []
    told = Told(
        kind="stopped",
        title=title("stopped", who=event.actor_name, why=stop_says(switch)),
        people=members(event.organization, *STOPPERS),
        subject=event.subject,
        path=reverse("stop"),
        tool=switch.target if switch.scope == KillSwitch.Scope.TOOL else None,
    )
    return [_without(told, event.actor if event.actor_kind == "person" else None)]


def _about(action: Action, kind: str, people: frozenset[uuid.UUID], who: str, why: str = "") -> Told:
    return Told(
        kind=kind,
        title=title(kind, tool=_tool(action.tool) or action.tool_name, who=who, why=why),
        people=people,
        subject=action.pk,
        path=reverse("action", args=[action.pk]),
        risk=action.risk,
        tool=action.tool_id,
    )


def _without(told: Told, whom: uuid.UUID | None) -> Told:
    """Nobody is told of what they did themselves."""
    return replace(told, people=told.people - {whom})


def _asked(event: Event, action: Action) -> frozenset[uuid.UUID]:
    """Who of the team that a step of an escalation asks may decide."""
    said = EventDetail.objects.filter(event=event.pk).values_list("detail", flat=True).first()
    team = json.loads(said).get("team") if said else None
    inside = User.objects.filter(
        groups__team__name=team, groups__team__organization_id=action.organization_id, is_active=True
    )
    return _reviewers(action) & frozenset(inside.values_list("pk", flat=True))


def _tool(tool: Tool | None) -> str:
    said = tool.version.contract.get("title") if tool is not None and tool.version is not None else ""
    return str(said or (tool.name if tool is not None else ""))


def _asker(action: Action) -> str:
    return action.initiator.username


def _askers(action: Action) -> frozenset[uuid.UUID]:
    return frozenset({action.initiator_id})


def _reviewers(action: Action) -> frozenset[uuid.UUID]:
    """Who may decide on an action now: the right to review its tool, and none for whom it acts."""
    if action.tool_id is None:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT user_id FROM tools_right WHERE tool_id = %s AND codename = 'review_tool'",
            [action.tool_id],
        )
        return frozenset(row[0] for row in cursor.fetchall()) - frozenset(action.principals)
