"""A replay on its page: asked for, watched, and put in force from there."""

from __future__ import annotations

from typing import Any

from approvals.models import Trial
from tests.support.policing import RULE, policy_of
from tests.support.world import World


def test_a_policy_is_put_in_force_from_its_replay(world: World, page: Any) -> None:
    from approvals.tasks import replay_policies

    world.staged()
    page().post("/policy/new/", {**RULE, "then": "try"})
    tried = Trial.objects.get()
    assert page().post(f"/policy/replay/{tried.pk}/start/", {"days": "7"}).status_code == 302
    assert "Judging what was recorded" in page().get(f"/policy/replay/{tried.pk}/").content.decode()
    assert page().get(f"/policy/replay/{tried.pk}/live/").status_code == 200
    while replay_policies():
        pass
    last = page().get(f"/policy/replay/{tried.pk}/live/")
    assert last.status_code == 286
    assert "waited for people, would need more people" in last.content.decode()
    assert "still waiting" in last.content.decode()
    assert page().post(f"/policy/replay/{tried.pk}/accept/", {"why": ""}).status_code == 422
    assert page().post(f"/policy/replay/{tried.pk}/accept/", {"why": "Proven."}).status_code == 302
    assert policy_of(world).rules[0].id == "strangers"
    moved = page().post(f"/policy/replay/{tried.pk}/accept/", {"why": "Again."})
    assert moved.status_code == 409
