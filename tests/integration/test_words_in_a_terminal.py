"""T56: words of agents that end up in a terminal, a log or an export are inert there."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from lam_app.states import RunStatus
from tests.support.hostile import PAYLOADS
from tests.support.world import World
from traces.chain import written
from traces.services import Actor, move

ALIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
"""Characters that a terminal obeys, or that turn a line around."""
WORDS = "\x1b]52;c;cm0gLXJm\x07 \x9b2J \u202egnp.exe " + " ".join(PAYLOADS)


def test_t56_a_run_that_tells_its_problem_in_a_terminal_steers_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, someone = world.run(), Actor("agent", world.agent.pk, "planner")
    move(type(run), [run.pk], RunStatus.SUBMITTED, RunStatus.PLANNING, actor=someone, verb="planning")
    told = {"problem": WORDS, "question": WORDS}
    move(type(run), [run.pk], RunStatus.PLANNING, RunStatus.NEEDS_INPUT, actor=someone, verb="asked", changes=told)
    monkeypatch.setattr("lam_app.management.commands.submit.submit", lambda **_: run)
    out, err = io.StringIO(), io.StringIO()
    call_command("submit", "a goal", "--as", "operator", "--wait", stdout=out, stderr=err, no_color=True)
    assert "U+001B" in err.getvalue()
    assert not ALIVE.search(err.getvalue() + out.getvalue())


def test_t56_a_line_of_the_log_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    formatter: Any = _formatter()
    record = logging.LogRecord("lam_app", logging.WARNING, __file__, 1, "a tool said %s", (WORDS,), None)
    line = formatter.format(record)
    assert "a tool said" in json.loads(line)["event"]
    assert not ALIVE.search(line)


def _formatter() -> logging.Formatter:
    from logging.config import DictConfigurator

    made: Any = DictConfigurator(settings.LOGGING).configure_formatter(settings.LOGGING["formatters"]["json"])
    assert isinstance(made, logging.Formatter)
    return made


def test_t56_a_line_of_the_export_carries_no_escape_and_stays_one_line() -> None:
    line = written({"event": f"{WORDS}\r\n{WORDS}"})
    assert json.loads(line) == {"event": f"{WORDS}\r\n{WORDS}"}
    assert not re.search("[\x00-\x1f]", line)


def test_t56_no_export_is_read_by_a_spreadsheet() -> None:
    """Where none is written, no cell can begin with an equals sign. Whoever adds one reads this first.

    Files that come with goals are read as tables, and given back as nothing but bytes.
    """
    from pathlib import Path

    apps = ("lam_app", "approvals", "tools", "accounts", "traces")
    found = [
        str(file)
        for app in apps
        for file in Path(app).rglob("*.py")
        if re.search(r"""csv\.(writer|DictWriter)|from csv |content_type=["']text/csv""", file.read_text())
    ]
    assert found == []
