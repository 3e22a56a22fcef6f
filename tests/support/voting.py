"""Stages for people who decide: a tool whose risk is high, teams, a policy that names them, sessions of some age."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import Team, User
from accounts.roles import Role
from approvals.models import Action, Decision, PolicyVersion
from approvals.services.approve import approve
from lam_app.seed import create_person
from tests.support.sql import without_guards
from tests.support.world import World
from tools.models import Tool

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def risky(world: World, tool: str = "send_message") -> None:
    """From now on calls of this tool are of high risk: it reaches as deep as deleting does."""
    Tool.objects.filter(organization=world.organization, name=tool).update(tier="delete")


def team(world: World, name: str, *people: User) -> Team:
    """A team of ``demo`` with these people in it."""
    group, _ = Group.objects.get_or_create(name=f"demo/{name}")
    found, _ = Team.objects.get_or_create(organization=world.organization, name=name, defaults={"group": group})
    for one in people:
        one.groups.add(group)
    return found


def reviewer(world: World, name: str) -> User:
    """One more reviewer of ``demo``."""
    return create_person(world.organization, name, roles=(Role.REVIEWER,), tier="read", password=None)


def policy(world: World, **settings: Any) -> PolicyVersion:
    """The next version of ``demo``'s policy."""
    last = PolicyVersion.objects.filter(organization=world.organization).latest("number")
    return PolicyVersion.objects.create(
        organization=world.organization, number=last.number + 1, settings=settings, reason="a test"
    )


def needing(world: World, quorum: int = 1, **teams: int) -> PolicyVersion:
    """A policy by which every call needs these people, of all of these teams."""
    return policy(world, rules=[{"id": "people", "quorum": quorum, "teams": teams, "reason": "a test"}])


def just_now() -> datetime:
    """The moment of a fresh sign-in."""
    return datetime.now(UTC)


def long_ago(seconds: float = 301) -> datetime:
    """The moment of a sign-in that is no longer fresh."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def yes(world: World, person: User, action: Action, **more: Any) -> Any:
    """This person's yes to the action as it is now, given right after signing in."""
    action.refresh_from_db()
    asked = {"organization": world.organization.id, "action_id": action.id, "digest": action.digest, **more}
    return approve(actor=person, **{"signed_in_at": just_now(), **asked})


def status(action: Action) -> str:
    """Where the action stands."""
    return Action.objects.get(id=action.id).status


def browser(world: World, name: str, *, ago: float | None = 0) -> Client:
    """A signed-in browser whose person gave the password so many seconds ago; None: the session knows of none."""
    return browser_of(world.people[name], ago=ago)


def browser_of(user: User, *, ago: float | None = 0) -> Client:
    """The same of anybody."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    if ago is not None:
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time() - ago}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


def signed_in(world: World, name: str) -> Client:
    """A browser of somebody who is signed in, nobody knows since when."""
    return browser(world, name, ago=None)


def decide(client: Client, action: Action, decision: str = "approve", **fields: str) -> Any:
    """The decision form, sent."""
    form = {"decision": decision, "digest": action.digest, **fields}
    return client.post(f"/actions/{action.pk}/decide/", form)


def shown_token(client: Client, action: Action) -> str:
    """The word of the card that this person is shown now: when that was."""
    page: str = client.get(f"/actions/{action.pk}/").content.decode()
    return page.split('name="card" value="', 1)[1].split('"', 1)[0]


def ids(*people: User) -> set[uuid.UUID]:
    """Their ids."""
    return {person.pk for person in people}


def approve_as(world: World, person: User, action: Action, *, digest: str | None = None, **more: Any) -> Decision:
    """A person's yes to what was shown, or to what another digest names."""
    asked = {"organization": world.organization.id, "action_id": action.id, **more}
    return approve(actor=person, digest=action.digest if digest is None else digest, **asked)


def two_needed(world: World) -> Action:
    """An action that asks for two people."""
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET quorum = 2")
    action.refresh_from_db()
    return action
