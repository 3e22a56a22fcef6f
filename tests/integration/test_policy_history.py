"""Every version of the policy is told, and an older one returns as the next."""

from __future__ import annotations

from typing import Any

from approvals.facts import current_policy
from approvals.models import PolicyVersion
from tests.support.policing import agreed, change
from tests.support.world import World


def test_every_version_is_told_and_an_older_one_returns_as_the_next(world: World, page: Any) -> None:
    change(world, {"rules": [{"id": "first", "quorum": 2}]})
    change(world, {"rules": [{"id": "first", "quorum": 3}]}, after=2)
    shown = page("auditor").get("/policy/history/").content.decode()
    assert "need 2 people" in shown
    assert "In force" in shown
    second = PolicyVersion.objects.get(organization=world.organization, number=2)
    page_of = page().get(f"/policy/history/{second.pk}/").content.decode()
    assert "Go back to version 2" in page_of
    form = {"follows": "3", "why": "Three were too many.", "then": "save"}
    assert page().post(f"/policy/history/{second.pk}/return/", form).status_code == 302
    assert current_policy(world.organization.id).number == 3, "fewer people: a second administrator has to agree"
    agreed(world)
    now = current_policy(world.organization.id)
    assert (now.number, now.settings, now.made_by) == (4, second.settings, world.administrator)
    assert "and second agreed" in page("auditor").get("/policy/history/").content.decode()
