"""A newer program has migrated the database while this one still runs (F38): on another host, in the midst of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.test import Client

from tests.chaos.killing import KEYED, OUTSIDE, send
from tests.support.sql import speaking_as
from tests.support.stage import SIGN, Stage
from tests.support.up import Up, until
from tests.support.world import World, approved
from tools.models import Execution
from tools.presence import leave
from traces import schema

NEWER = "9999_what_only_the_newer_program_knows"


@contextmanager
def migrated_by_a_newer_program() -> Iterator[None]:
    """Its migration only adds, as all do: a column, and the row that says so. Taken back behind the block.

    This process leaves before: it would find itself outdated, and the tests after this one would execute nothing.
    """
    leave()
    with speaking_as("owner") as owner:
        owner.execute("ALTER TABLE tools_execution ADD COLUMN newer text NOT NULL DEFAULT ''")
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('tools', %s, now())", [NEWER])
        owner.commit()
        try:
            yield
        finally:
            owner.execute("DELETE FROM django_migrations WHERE name = %s", [NEWER])
            owner.execute("ALTER TABLE tools_execution DROP COLUMN IF EXISTS newer")
            owner.commit()


def test_f38_an_older_program_ends_the_call_under_way_and_takes_up_nothing_more(
    theatre: Stage, chaos_catalogue: None, world: World
) -> None:
    roles = ("gatekeeper", "executor", "planner")
    with theatre.playing(*roles, "sweeper") as stage:
        stage.present("executor")
        stage.world.order("wait before")
        road = send(stage, world, OUTSIDE[2])  # the class of which a doubt would need a person
        until(lambda: stage.world.waiting() > 0, 30, "a call waits")
        old = {role: stage.pid(role) for role in (*roles, "sweeper")}
        before = len(stage.ended)
        with migrated_by_a_newer_program():
            until(lambda: stage.pid("gatekeeper") != old["gatekeeper"], 20, "who had nothing under way has ended")
            assert stage.pid("executor") == old["executor"], "its call is under way"
            stage.world.release()
            assert road.settled() == "done"
            assert (road.effects, stage.world.calls(road.key)) == (1, 1)
            for role, pid in old.items():
                until(lambda role=role, pid=pid: stage.pid(role) != pid, 20, f"the {role} has ended")
            left = world.staged(KEYED.tool, KEYED.arguments())
            approved(world, left)
            stage.ring(SIGN)
            until(
                lambda: all(stage.ended[before:].count((role, 78)) >= 3 for role in old),
                60,
                "each was started again three times, and refused",
            )
            left.refresh_from_db()
            assert (left.status, Execution.objects.filter(action=left.id).exists()) == ("permitted", False)
            assert NEWER in stage.children["executor"].log.read_text()
        until(lambda: type(left).objects.get(id=left.id).status == "done", 60, "of one age again, they work on")


def test_f38_an_older_program_says_that_it_is_not_ready_and_why(world: World) -> None:
    assert Client().get("/readyz").status_code == 200
    with migrated_by_a_newer_program():
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert f"tools.{NEWER}" in answer.json()["detail"]
        assert Client().get("/healthz").status_code == 200
    assert Client().get("/readyz").status_code == 200


@pytest.mark.slow
def test_f38_an_older_version_does_not_start_on_a_database_that_a_newer_one_has_migrated() -> None:
    with Up(LAM_DEMO="people") as up:
        with psycopg.connect(up.owner, autocommit=True) as owner:
            owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('tools', %s, now())", [NEWER])
        up.stop()
        up.output.write_bytes(b"")
        up.spawn()
        until(lambda: up.ended, 90, "it refused to start")
        assert up.process is not None
        assert up.process.returncode == 1
        assert f"tools.{NEWER}. Start that one" in up.said
        assert "ready http" not in up.said


def test_f38_a_newer_program_is_not_ready_before_its_migrations(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "known", lambda: frozenset({("tools", "0001_initial"), ("tools", NEWER)}))
    assert schema.older()
    assert schema.newer() != ""  # and there is more than these two in the database
    monkeypatch.setattr(schema, "newer", lambda: "")
    answer = Client().get("/readyz")
    assert (answer.status_code, "not been migrated" in answer.json()["detail"]) == (503, True)


def test_f38_what_this_program_brings_is_what_is_applied(world: World) -> None:
    assert ("tools", "0001_initial") in schema.known()
    assert (schema.newer(), schema.older()) == ("", False)
