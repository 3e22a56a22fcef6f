"""What people do at the desk beside yes and no, as short as a test wants it; and calls that leave by themselves."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from accounts.models import User
from approvals.models import Action
from tests.support.sql import without_guards
from tests.support.world import World
from tools.models import Tool
from traces.models import Event


def does(world: World, verb: Callable[..., Any], name: str, action: Action, **more: Any) -> Any:
    """This person's verb on the action, in ``demo``."""
    return verb(actor=world.people[name], organization=world.organization.id, action_id=action.id, **more)


def on(world: World, verb: Callable[..., Any], name: str, action: Action, reason: str = "So.", **more: Any) -> Any:
    """The same, on what the action is now, with a reason."""
    action.refresh_from_db()
    return does(world, verb, name, action, **{"digest": action.digest, "reason": reason, **more})


def leaving(world: World, seconds: int = 3600) -> Action:
    """A call that leaves by itself in so many seconds, unless somebody objects."""
    Tool.objects.filter(organization=world.organization, name="put_odd").update(
        maturity="on_the_loop", veto_seconds=seconds
    )
    action = world.staged("put_odd", {"thing": "cup"})
    assert action.status == "scheduled"
    return action


def overdue(action: Action, *, told: bool = True) -> None:
    """Its time to object is over; so it is by the events that tell of it, unless only the row says so."""
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET due_at = clock_timestamp() - interval '1 second' WHERE id = %s", [action.id]
        )
        if told:
            admin.execute("UPDATE traces_event SET at = at - interval '2 hours' WHERE subject = %s", [action.id])


def lapsed(action: Action) -> None:
    """Whoever had taken it has had it for as long as it may be had."""
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action SET assigned_until = clock_timestamp() - interval '1 second' WHERE id = %s",
            [action.id],
        )


def told(world: World, action: Action) -> list[str]:
    """The verbs of the action's events, in order, refusals left out."""
    events = Event.objects.about(world.organization.id, action.id).exclude(verb="refused")
    return [event.verb for event in events]


def refusals(action: Action) -> list[tuple[str, str]]:
    """Who was refused what, in order."""
    return list(
        Event.objects.filter(verb="refused", subject=action.id).order_by("id").values_list("actor_name", "reason")
    )


def has_it(action: Action) -> uuid.UUID | None:
    """Who has taken the action."""
    action.refresh_from_db()
    return action.assignee_id


def people(world: World, *names: str) -> list[User]:
    """These people."""
    return [world.people[name] for name in names]
