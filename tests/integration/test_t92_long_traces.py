"""T92: what is remembered of a model call does not grow with what somebody sends: it is cut and hashed."""

import hashlib
import uuid
from typing import Any

import pytest

from lam_app.tasks import advance_runs
from tests.support.sql import refusal, speaking_as, without_guards
from tests.support.voting import signed_in
from tests.support.world import World
from traces.calls import LONGEST, ModelCall, remember
from traces.models import Event, PromptPart, Trace
from traces.volume import Full, Volume, count, full


def due_now() -> None:
    """A run that waits is looked at again at once."""
    with without_guards() as admin:
        admin.execute("UPDATE lam_app_run SET planner_until = clock_timestamp()")


def call(world: World, text: str) -> Trace:
    made = remember(
        ModelCall(
            organization=world.organization.id, run=uuid.uuid4(), step=1, attempt=1, model="m",
            prompt=[("user", text)], answer=text, reasoning=text, schema_digest="sha256:0", latency_ms=1,
        )
    )  # fmt: skip
    return Trace.objects.get(pk=made)


def test_t92_a_text_of_a_million_characters_is_cut_and_hashed_as_a_whole(world: World) -> None:
    text = "long words " * 100_000
    kept = call(world, text)
    whole = hashlib.sha256(text.encode()).hexdigest()
    for found in (kept.answer, kept.reasoning, PromptPart.objects.get(pk=kept.parts[0]).content):
        assert found[:LONGEST] == text[:LONGEST]
        assert found.endswith(f"[{len(text)} characters, sha256:{whole}]")
        assert len(found) < LONGEST + 120


@pytest.mark.parametrize("length", [1, LONGEST])
def test_t92_what_is_short_enough_is_kept_as_it_is(length: int, world: World) -> None:
    assert call(world, "x" * length).answer == "x" * length


def test_t92_two_texts_that_differ_behind_the_cut_are_two(world: World) -> None:
    first, second = (call(world, "x" * LONGEST + more) for more in ("one", "two"))
    assert first.parts != second.parts


def test_t92_an_organization_that_fills_the_memory_waits_for_tomorrow_and_no_other_does(
    world: World, settings: Any
) -> None:
    settings.LAM_TRACE_MB_DAY = 1
    made = 0
    while not full(world.organization.id, uuid.uuid4()).organization:
        call(world, f"{made} " + "x" * LONGEST)
        made += 1
    assert made == 2  # prompt, answer and reasoning of each: six times LONGEST are more than a million bytes
    assert full(world.elsewhere.id, uuid.uuid4()) == Full()
    assert full(world.organization.id, uuid.uuid4()).run == ""
    with without_guards() as admin:
        admin.execute("UPDATE traces_volume SET day = day - 1")
    assert full(world.organization.id, uuid.uuid4()) == Full()


def test_t92_a_run_has_a_share_of_its_own(world: World, settings: Any) -> None:
    settings.LAM_TRACE_MB_RUN = 1
    first, second = call(world, "x" * LONGEST), call(world, "y" * LONGEST)
    count(world.organization.id, first.run, 500_000)
    assert full(world.organization.id, first.run).run
    assert full(world.organization.id, second.run) == Full()


def test_t92_what_was_kept_once_counts_once(world: World) -> None:
    call(world, "the same prompt")
    before = Volume.objects.get(of=world.organization.id).bytes
    call(world, "the same prompt")
    assert Volume.objects.get(of=world.organization.id).bytes - before == 2 * len("the same prompt")


@pytest.mark.usefixtures("standin")
def test_t92_a_planner_waits_without_asking_and_goes_on_when_there_is_room(world: World, settings: Any) -> None:
    count(world.organization.id, uuid.uuid4(), 2_000_000)
    settings.LAM_TRACE_MB_DAY = 1
    run = world.run()
    for _ in range(2):
        advance_runs()
        due_now()
    run.refresh_from_db()
    assert run.status == "planning"
    assert Trace.objects.filter(run=run.id).count() == 0
    told = Event.objects.filter(run=run.id, verb="memory_full")
    assert [one.reason.split(".")[0] for one in told] == [
        "The model calls of the organization fill 1 MB today, which is as much as is remembered of one day"
    ]
    assert "as much as is remembered" in signed_in(world, "operator").get(f"/runs/{run.id}/").content.decode()
    settings.LAM_TRACE_MB_DAY = 3
    due_now()
    advance_runs()
    assert Trace.objects.filter(run=run.id).count() == 1


@pytest.mark.usefixtures("standin")
def test_t92_a_run_that_has_filled_its_share_needs_a_person(world: World, settings: Any) -> None:
    settings.LAM_TRACE_MB_RUN = 1
    run = world.run()
    count(world.organization.id, run.id, 1_000_000)
    advance_runs()
    run.refresh_from_db()
    assert run.status == "needs_human"
    assert "fill 1 MB" in run.problem
    assert Trace.objects.filter(run=run.id).count() == 0


@pytest.mark.parametrize("role", ["worker", "web"])
def test_t92_nobody_counts_down(role: str, world: World) -> None:
    call(world, "a call")
    with speaking_as(role, world.organization.id) as speaking:
        said, _ = refusal(speaking, "UPDATE traces_volume SET bytes = 0")
    assert said == ("CS001" if role == "worker" else "42501")
