"""A call that nobody could decide on waits, says so, and never runs by itself."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team
from approvals.exceptions import NotPermitted
from approvals.models import Action, Permit
from approvals.tasks import execute_permitted, sign_permits
from lam_app.sweep import sweep
from tests.support.voting import needing
from tests.support.world import World, approved
from tools.models import OutboxMessage
from tools.rights import grant, revoke

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def waits(action: Action) -> None:
    """It is under review and stays there, whoever looks."""
    sign_permits()
    execute_permitted()
    sweep()
    action.refresh_from_db()
    assert action.status == "in_review"
    assert not Permit.objects.exists()
    assert not OutboxMessage.objects.exists()


def page_of(world: World, name: str, action: Action) -> str:
    browser = Client()
    browser.force_login(world.people[name], backend=BACKEND)
    answer = browser.get(reverse("action", args=[action.id]))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_t27_a_tool_that_nobody_may_review_any_more_says_so_and_waits(world: World) -> None:
    tool, reviewers = world.tool(), Team.objects.get(organization=world.organization, name="reviewers")
    revoke(tool, "review", of=reviewers, by=world.administrator, reason="a mistake")
    action = world.staged()
    assert action.unroutable != ""
    waits(action)
    assert action.unroutable in page_of(world, "administrator", action)
    for name in ("reviewer", "administrator", "outsider"):
        with pytest.raises(NotPermitted):
            approved(world, action, by=name)
    grant(tool, "review", to=reviewers, by=world.administrator, reason="put right")
    approved(world, action)
    assert sign_permits() == 1


def test_t27_a_team_that_is_not_there_lets_nobody_through(world: World) -> None:
    needing(world, ghosts=1)
    action = world.staged()
    assert "ghosts" in action.unroutable
    waits(action)
    assert "ghosts" in page_of(world, "reviewer", action)
    approved(world, action)
    waits(action)
