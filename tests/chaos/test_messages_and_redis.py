"""Messages say "look" and nothing else: duplicates and forgeries do nothing, and losing all of them costs a sweep."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from approvals.models import Permit
from tests.chaos.killing import KEYED, KINDS, Kind, send
from tests.support.stage import EXECUTE, SIGN, Stage
from tests.support.up import until
from tests.support.world import World
from tools.models import Execution, Note, OutboxMessage
from traces.doorbell import ROUTES

ROLES = ("gatekeeper", "executor", "sweeper")
QUEUES = ("gatekeeper", "execution")


def effects() -> int:
    """What the world saw, of whatever action."""
    return OutboxMessage.objects.count() + Note.objects.count()


def drained(stage: Stage) -> None:
    """Wait until no message is left."""
    until(lambda: not any(stage.redis.llen(queue) for queue in QUEUES), 20, "the queues are empty")


def forged(stage: Stage, queue: str, *, task: Any, body: Any, **headers: Any) -> None:
    """A message as somebody with access to Redis would push it."""
    seen: list[bytes] = []
    with stage.app.connection_for_write() as link, link.channel() as channel:
        message = channel.prepare_message(
            json.dumps(body),
            content_type=headers.pop("content_type", "application/json"),
            content_encoding="utf-8",
            headers={"lang": "py", "task": task, "id": "forged", "root_id": "forged", "argsrepr": "", **headers},
            properties={"delivery_mode": 2, "correlation_id": "forged"},
        )
        message["properties"].update(
            delivery_info={"exchange": "", "routing_key": queue}, delivery_tag="forged", body_encoding="utf-8"
        )
        seen.append(json.dumps(message).encode())
    stage.redis.lpush(queue, *seen)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.idempotency)
def test_f15_a_message_that_is_delivered_a_hundred_times_acts_once(
    theatre: Stage, chaos_catalogue: None, world: World, kind: Kind
) -> None:
    with theatre.playing(*ROLES, "executor2") as stage:
        road = send(stage, world, kind)
        for _ in range(50):
            stage.ring(SIGN)
            stage.ring(EXECUTE)
        assert road.settled() == "done"
        drained(stage)
        assert road.effects == 1
        assert Execution.objects.filter(action=road.action.id).count() == 1


def test_t90_forged_messages_have_no_effect_and_harm_no_worker(
    theatre: Stage, chaos_catalogue: None, world: World
) -> None:
    nothing: list[Any] = [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    with theatre.playing(*ROLES) as stage:
        pids = {role: stage.present(role) if role == "executor" else stage.ready(role) for role in ROLES}
        waiting = world.staged()  # under review: nobody may make it run
        before = effects()
        for queue in QUEUES:
            forged(stage, queue, task="os.system", body=[["touch /tmp/forged"], {}, nothing[2]])
            forged(stage, queue, task="tools.executor.call", body=[[str(waiting.id)], {}, nothing[2]])
            forged(stage, queue, task="celery.chain", body=nothing)
            for task in ROUTES:
                forged(stage, queue, task=task, body=[[str(waiting.id)], {"approved": True}, nothing[2]])
                forged(stage, queue, task=task, body="no list at all")
                forged(stage, queue, task=task, body=nothing, content_type="application/x-python-serialize")
                forged(stage, queue, task=task, body=nothing, eta="not a time")
                forged(stage, queue, task=task, body=7, compression="application/x-gzip")
            forged(stage, queue, task=["no", "name"], body=nothing)
        drained(stage)
        road = send(stage, world, KEYED)
        assert road.settled() == "done"
        assert effects() == before + 1
        waiting.refresh_from_db()
        assert waiting.status == "in_review"
        assert {role: stage.pid(role) for role in ROLES} == pids


def test_the_gatekeeper_runs_no_tools_whatever_its_queue_says(
    theatre: Stage, chaos_catalogue: None, world: World
) -> None:
    """It can read the private key; tools run where that cannot be read."""
    with theatre.playing("gatekeeper") as stage:
        road = send(stage, world, KEYED)
        until(lambda: Permit.objects.filter(action=road.action.id).exists(), 30, "the permit is signed")
        stage.app.send_task(EXECUTE, queue="gatekeeper")
        stage.ring(SIGN)
        until(lambda: not stage.redis.llen("gatekeeper") and not stage.redis.hlen("unacked"), 30, "all was taken")
        assert road.status() == "permitted"
        assert road.effects == 0


@pytest.mark.parametrize("garbage", [b"", b"not json", b"[]", b"{}", b'{"body": 1}', b"\xff\xfe\x00", b"null"])
def test_garbage_in_a_queue_stops_nobody_for_long(
    theatre: Stage, chaos_catalogue: None, world: World, garbage: bytes
) -> None:
    """A worker may end over it, but then a fresh one does the work, and the garbage is gone."""
    with theatre.playing(*ROLES) as stage:
        for queue in QUEUES:
            stage.redis.lpush(queue, garbage)
        assert send(stage, world, KEYED).settled() == "done"
        drained(stage)


def test_f17_a_redis_that_forgets_everything_costs_no_more_than_a_sweep(
    theatre: Stage, chaos_catalogue: None, world: World
) -> None:
    with theatre.playing(*ROLES) as stage:
        over = threading.Event()

        def forget() -> None:
            while not over.wait(0.05):
                stage.redis.flushall()

        forgetting = threading.Thread(target=forget)
        forgetting.start()
        try:
            roads = [send(stage, world, kind) for kind in KINDS for _ in range(3)]
            assert {road.settled(30) for road in roads} == {"done"}
        finally:
            over.set()
            forgetting.join()
        assert [road.effects for road in roads] == [1] * len(roads)
