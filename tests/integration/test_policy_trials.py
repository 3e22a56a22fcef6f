"""A policy is tried before it is in force: kept, replayed over what was recorded, and nothing is staged by it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from approvals.exceptions import NotAdministrator, PolicyInvalid, PolicyMoved, ReplayBusy, TrialNotFound
from approvals.models import Action, HitsCounted, Trial
from approvals.policy import Policy
from approvals.policy.replaying import Windows
from approvals.services import replay, trial
from approvals.services.expire import expire
from approvals.services.hits import count_hits
from approvals.services.policy import change_policy
from approvals.services.reject import reject
from approvals.tasks import replay_policies
from tests.support.racing import acting_as
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as, without_guards
from tests.support.world import World, approved
from traces.ids import NIL, uuid7

TWO = {"rules": [{"id": "two-look", "about": {"tools": ["send_message"]}, "quorum": 2}]}
NEVER = {"rules": [{"id": "never", "about": {"tools": ["send_message"]}, "answer": "deny"}]}


def written(world: World, settings: Any = TWO, **changes: Any) -> Trial:
    asked = {"by": world.administrator, "follows": 1, **changes}
    return trial.write(world.organization.id, settings, **asked)


def replayed(world: World, settings: Any = TWO) -> Trial:
    """A trial whose replay is over."""
    tried = written(world, settings)
    trial.start(world.organization.id, tried.pk, by=world.administrator, days=7)
    while replay_policies():
        pass
    tried.refresh_from_db()
    return tried


def test_a_trial_is_kept_and_nothing_is_judged_by_it(world: World) -> None:
    tried = written(world)
    assert (tried.state, tried.settings["rules"][0]["quorum"]) == ("written", 2)
    assert world.staged().quorum == 1


@pytest.mark.parametrize("who", ["operator", "reviewer", "auditor", "outsider"])
def test_only_an_administrator_tries_a_policy(world: World, who: str) -> None:
    with pytest.raises(NotAdministrator):
        written(world, by=world.people[who])
    tried = written(world)
    with pytest.raises(NotAdministrator):
        trial.start(world.organization.id, tried.pk, by=world.people[who], days=7)
    with pytest.raises(NotAdministrator):
        trial.cancel(world.organization.id, tried.pk, by=world.people[who])


def test_what_is_no_policy_or_follows_an_older_one_is_not_tried(world: World) -> None:
    with pytest.raises(PolicyInvalid):
        written(world, {"trust": "everybody"})
    with pytest.raises(PolicyMoved):
        written(world, follows=7)
    with pytest.raises(TrialNotFound):
        trial.start(world.elsewhere.id, written(world).pk, by=world.outsider, days=7)


def test_a_replay_tells_what_would_have_been_and_how_people_decided(world: World) -> None:
    yes, no, nobody, _waits = (world.staged() for _ in range(4))
    approved(world, yes)
    reject(actor=world.reviewer, organization=world.organization.id, action_id=no.pk, digest=no.digest, reason="No.")
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = now() - interval '1 s' WHERE id = %s", [nobody.pk])
    expire()
    note = world.staged("write_note", {"about": "order 1009", "text": "Call back."})
    tried = replayed(world)
    assert (tried.state, tried.seen, tried.expected) == ("done", 5, 5)
    assert tried.found["moves"] == {"review>review+": 4, "review>review": 1}
    assert tried.found["people"] == {"review>review+": {"approved": 1, "rejected": 1, "expired": 1, "in_review": 1}}
    assert {one["action"] for one in tried.found["changes"]}.isdisjoint({str(note.pk)})
    assert {(one["rule"], tuple(one["quorum"])) for one in tried.found["changes"]} == {("two-look", (1, 2))}
    assert tried.found["tools"] == {"send_message": 4, "write_note": 1}


def test_a_replay_stages_nothing_and_changes_no_action(world: World) -> None:
    action = world.staged()
    before = Action.objects.filter(pk=action.pk).values().get()
    tried = replayed(world, NEVER)
    assert tried.found["moves"] == {"review>deny": 1}
    assert Action.objects.filter(pk=action.pk).values().get() == before
    assert Action.objects.count() == 1


def test_facts_that_cannot_be_read_are_counted_first_and_not_guessed(world: World) -> None:
    for format_, action in ((9, world.staged()), (2, world.staged())):
        facts = json.loads(action.revisions.get().facts)
        facts["format"] = format_
        if format_ == 2:
            del facts["initiator"]["teams"], facts["agent"]["teams"]
        with without_guards() as admin:
            admin.execute(
                "UPDATE approvals_revision SET facts = %s WHERE action_id = %s", [json.dumps(facts), action.pk]
            )
    found = replayed(world).found
    assert (found["read"], found["unreadable"], found["unread_tools"]) == (1, {"format 9": 1}, {"send_message": 1})
    assert found["teams_unknown"] == 1


def test_a_limit_that_nobody_counted_then_is_counted_by_the_replay(world: World) -> None:
    calls = [world.staged() for _ in range(4)]
    reject(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=calls[0].pk,
        digest=calls[0].digest,
        reason="No.",
    )
    limit = {"id": "two-a-day", "per": "tool", "counts": "calls", "most": 2, "seconds": 86_400, "answer": "deny"}
    found = replayed(world, {"limits": [limit]}).found
    assert found["simulated"] == {"two-a-day": 4}
    assert found["moves"] == {"review>review": 3, "review>deny": 1}, "what was rejected gave its count back"
    assert [one["action"] for one in found["changes"]] == [str(calls[3].pk)]


def test_a_limit_that_was_counted_is_read_from_the_record(world: World) -> None:
    limit = {"id": "few", "per": "tool", "counts": "calls", "most": 9, "seconds": 86_400}
    change_policy(world.organization.id, {"limits": [limit]}, reason="x", by=world.administrator, after=1)
    for _ in range(3):
        world.staged()
    tried = written(world, {"limits": [{**limit, "most": 2, "answer": "deny"}]}, follows=2)
    trial.start(world.organization.id, tried.pk, by=world.administrator, days=1)
    replay_policies()
    tried.refresh_from_db()
    assert tried.found["simulated"] == {}
    assert tried.found["moves"] == {"review>review": 2, "review>deny": 1}


def test_a_window_is_counted_in_sixtieths_and_forgets_what_is_over() -> None:
    windows = Windows()
    for at in (0, 30, 70):
        windows.add("k", 3_600, at, Decimal("1.5"))
    assert windows.used("k", 3_600, 100) == Decimal("4.5")
    assert windows.used("k", 3_600, 3_600 + 60) == Decimal("1.5")
    assert Windows.from_json(json.loads(json.dumps(windows.to_json()))) == windows
    assert windows.used("k", 3_600, 3_600 + 120) == 0
    assert windows.used("other", 60, 0) == 0


def test_a_replay_goes_on_where_a_slice_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BATCH", 2)
    for _ in range(5):
        world.staged()
    tried = written(world)
    trial.start(world.organization.id, tried.pk, by=world.administrator, days=7)
    seen = []
    while replay.waits():
        assert replay.replay_some(1e-9)
        tried.refresh_from_db()
        seen.append((tried.state, tried.seen))
    assert seen == [("running", 2), ("running", 4), ("done", 5)]
    assert tried.found["moves"] == {"review>review+": 5}


def test_a_replay_is_called_off_and_keeps_what_it_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BATCH", 1)
    world.staged(), world.staged()
    tried = written(world)
    trial.start(world.organization.id, tried.pk, by=world.administrator, days=7)
    replay.replay_some(1e-9)
    assert trial.cancel(world.organization.id, tried.pk, by=world.administrator).state == "cancelled"
    assert not replay.replay_some()
    tried.refresh_from_db()
    assert (tried.state, tried.seen) == ("cancelled", 1)
    assert trial.cancel(world.organization.id, tried.pk, by=world.administrator).state == "cancelled"


def test_no_organization_keeps_the_workers_busy_with_replays(world: World) -> None:
    first, second, third = (written(world) for _ in range(3))
    trial.start(world.organization.id, first.pk, by=world.administrator, days=7)
    with pytest.raises(ReplayBusy):
        trial.start(world.organization.id, first.pk, by=world.administrator, days=7)
    trial.start(world.organization.id, second.pk, by=world.administrator, days=7)
    with pytest.raises(ReplayBusy):
        trial.start(world.organization.id, third.pk, by=world.administrator, days=7)


def test_a_replay_reads_one_organization_alone(world: World) -> None:
    world.staged()
    tried = trial.write(world.elsewhere.id, TWO, by=world.outsider, follows=1)
    trial.start(world.elsewhere.id, tried.pk, by=world.outsider, days=7)
    while replay_policies():
        pass
    tried.refresh_from_db()
    assert (tried.state, tried.seen) == ("done", 0)


def test_what_a_trial_says_never_changes(world: World) -> None:
    tried = written(world)
    with pytest.raises(DatabaseError, match="may change"), transaction.atomic():
        Trial.objects.filter(pk=tried.pk).update(settings={})
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
        Trial.objects.filter(pk=tried.pk).delete()


@pytest.mark.django_db(transaction=True)
def test_web_and_worker_have_the_rights_for_it_and_no_more(world: World) -> None:
    world.staged()
    with acting_as("web", world.organization.id):
        tried = written(world)
        trial.start(world.organization.id, tried.pk, by=world.administrator, days=7)
    with acting_as("worker"):
        assert replay_policies()
        assert count_hits() == 0
        HitsCounted.objects.filter(pk=1).update(upto=NIL)
        assert count_hits() == 0, "what was written within the last minute is left for later"
    with acting_as("web", world.organization.id):
        tried.refresh_from_db()
        assert tried.found["moves"] == {"review>review+": 1}
        assert (
            change_policy(
                world.organization.id, tried.settings, reason="Two look.", by=world.administrator, after=1
            ).number
            == 2
        )
    with speaking_as("worker") as worker:
        assert refusal(worker, "UPDATE approvals_trial SET days = 1")[0] == NO_RIGHT
    with speaking_as("web", world.elsewhere.id) as web:
        assert web.execute("SELECT count(*) FROM approvals_trial").fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_the_door_to_a_next_version_looks_who_asks(world: World) -> None:
    """The database's own function refuses as well, whoever calls it."""
    put = "SELECT approvals_put_policy(%s, %s, %s, %s::jsonb, %s, %s)"
    ours, by = world.organization.id, world.administrator.pk

    def asked(role: str, organization: Any, **changes: Any) -> tuple[str, str]:
        call = {"id": uuid7(), "of": ours, "after": 1, "document": "{}", "why": "x", "by": by, **changes}
        with speaking_as(role, organization) as speaking:
            return refusal(speaking, put, list(call.values()))

    assert asked("web", ours) == (REFUSED, "approvals_policyversion: no event tells of version 2")
    assert "is no administrator there" in asked("web", ours, by=world.reviewer.pk)[1]
    assert "is no administrator there" in asked("web", ours, by=world.outsider.pk)[1]
    assert asked("web", world.elsewhere.id)[0] == REFUSED
    assert asked("web", ours, after=2)[0] == "23505"
    assert "a reason are needed" in asked("web", ours, why=" ")[1]
    assert "a reason are needed" in asked("web", ours, document="[]")[1]
    assert asked("worker", None)[0] == NO_RIGHT


def test_a_policy_of_every_kind_is_tried_as_it_was_written(world: World) -> None:
    assert written(world, Policy().to_json()).settings == Policy().to_json()
