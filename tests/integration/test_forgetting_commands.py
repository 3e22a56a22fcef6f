"""Keeping and erasing from the shell, in the words of the pages, and what the sweeper does of it by itself."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from lam_app import upkeep
from lam_app.keeping import set_retention
from lam_app.models import Erasure
from tests.support.keeping import old_call, old_events
from tests.support.stage import on
from tests.support.up import PROJECT
from tests.support.world import World
from traces.exceptions import DomainError
from traces.forgetting import Hold, Retention
from traces.models import EventDetail


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    call_command(*words)
    return capsys.readouterr().out.strip()


HERE = ("--organization", "demo")
ADMIN = ("--as", "administrator", "--reason", "as agreed")


def test_a_period_is_set_shown_and_acted_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    old_events(world.organization.id, 4, days=60)
    old_call(world.organization.id, 60)
    assert told(capsys, "retention", "show", *HERE) == "kept for ever"
    assert told(capsys, "retention", "set", "--days", "30", *HERE, *ADMIN) == "done"
    assert told(capsys, "retention", "set", "--days", "30", *HERE, *ADMIN) == "it is so already"
    assert told(capsys, "retention", "show", *HERE) == "kept for 30 days"
    gone = told(capsys, "retention", "run", *HERE)
    assert gone.startswith("4 details, 1 model calls and 1 pieces of prompts went; ")
    assert told(capsys, "retention", "set", "--days", "for-ever", *HERE, *ADMIN) == "done"
    assert Retention.objects.filter(organization=world.organization.id).count() == 2


def test_a_hold_is_set_and_lifted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    words = told(capsys, "retention", "hold", "--kind", "person", "--target", "operator", *HERE, *ADMIN)
    pk = words.removeprefix("held: ")
    assert pk in told(capsys, "retention", "show", *HERE)
    assert told(capsys, "retention", "lift", "--hold", pk, *HERE, *ADMIN) == "lifted"
    assert not Hold.objects.standing(world.organization.id).exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("retention", "set", "--days", "soon"), "--days: a number"),
        (("retention", "set", "--days", "3"), "days: between 30"),
        (("retention", "hold", "--kind", "run"), "--target: say which"),
        (("retention", "hold", "--kind", "run", "--target", "x"), "is no id"),
        (("retention", "lift", "--hold", "01a20000-0000-7000-8000-000000000000"), "there is none"),
        (("erase", "ask", "--person", "outsider"), "nobody here is called"),
        (("erase", "ask", "--person", "administrator"), "Nobody changes"),
        (("erase", "confirm", "--erasure", "x"), "there is none"),
    ],
)
def test_what_cannot_be_is_said_with_its_option(world: World, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command(*words, *HERE, *ADMIN)


@pytest.mark.parametrize("role", ["web", "worker"])
@pytest.mark.parametrize("words", [("retention", "show"), ("erase", "preview", "--person", "operator")])
def test_an_account_that_is_shown_some_rows_only_is_refused_instead_of_told_that_there_are_none(
    world: World, role: str, words: tuple[str, ...]
) -> None:
    set_retention(world.organization, 400, by=world.administrator, reason="as agreed")
    address = on(os.environ[f"COUNTERSIGN_TEST_{role.upper()}"], dbname=str(connection.settings_dict["NAME"]))
    env = {**os.environ, "LAM_ROLE": role, "DATABASE_URL": address}
    command = [sys.executable, "manage.py", *words, *HERE]
    told = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.strip() == (
        "CommandError: This runs as the owner, who sees every organization's rows: set LAM_ROLE=owner."
    )


def test_an_erasure_is_looked_at_asked_for_confirmed_and_done(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "erase", "preview", "--person", "developer", *HERE).startswith("0 runs (0 in flight, 0 held)")
    pk = told(capsys, "erase", "ask", "--person", "developer", *HERE, *ADMIN).removeprefix("asked for: ")
    with pytest.raises(CommandError, match="second person"):
        call_command("erase", "confirm", "--erasure", pk, *HERE, *ADMIN)
    as_auditor = ("--as", "auditor", "--reason", "yes")
    assert told(capsys, "erase", "confirm", "--erasure", pk, *HERE, *as_auditor) == "confirmed"
    assert told(capsys, "erase", "run").endswith("0 erasures are not done yet")
    assert Erasure.objects.get(pk=pk).done_at is not None
    other = told(capsys, "erase", "ask", "--person", "reviewer", *HERE, *ADMIN).removeprefix("asked for: ")
    assert told(capsys, "erase", "withdraw", "--erasure", other, *HERE, *ADMIN) == "withdrawn"


def test_the_sweeper_takes_a_slice_a_turn_and_begins_again_after_what_failed(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old = old_events(world.organization.id, 5, days=60)
    call_command("retention", "set", "--days", "30", *HERE, *ADMIN, verbosity=0)
    monkeypatch.setattr(upkeep.keeping, "slices", _by_twos(upkeep.keeping.slices))

    def broken() -> int:
        raise DomainError("There is no table traces_event_2031_01.")

    monkeypatch.setattr(upkeep.partitions, "make_ahead", broken)
    keeper, left = upkeep.Upkeep(), []
    for _ in range(6):
        keeper.turn()
        left.append(EventDetail.objects.filter(event__in=old).count())
    assert left[:3] == [3, 1, 0]
    assert "traces_event_2031_01" in caplog.text


def _by_twos(slices: Any) -> Any:
    return lambda organization: slices(organization, most=2)
