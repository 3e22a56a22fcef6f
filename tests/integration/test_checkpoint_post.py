"""Checkpoints told to an address outside: signed, in order, at least once, and again later where that fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lam_app import checkpoint_post
from lam_app.environment import WrongSetting
from lam_app.sealing import verifying
from tests.support.racing import acting_as
from tests.support.rude import Rude, closed_port, rude, says
from tests.support.sealing import Seal, seal_in, tell
from tests.support.world import World
from traces.chain import Statement
from traces.inquiry import Outlet

KEY = b"thirty-two bytes, more or less.."
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A record in two blocks."""
    found = seal_in(tmp_path)
    for _ in range(2):
        tell(world.organization.id, 3)
        found.passes()
    return found


@pytest.fixture
def hook(settings: Any) -> Iterator[Rude]:
    """A receiver that takes what it is sent."""
    with rude(says(204, "")) as hook:
        settings.LAM_CHECKPOINT_URL, settings.LAM_CHECKPOINT_SECRET = f"{hook.url}/kept", SECRET
        yield hook


def told(seal: Seal) -> bool:
    """One attempt, as the sealer's account."""
    with acting_as("worker"):
        return checkpoint_post.tell(seal.outside)


def said(hook: Rude, index: int = -1) -> list[dict[str, Any]]:
    """The checkpoints of a message."""
    found: list[dict[str, Any]] = json.loads(hook.requests[index].split(b"\r\n\r\n", 1)[1])["data"]["checkpoints"]
    return found


def test_the_lines_of_the_file_are_told_once_signed_twice(seal: Seal, hook: Rude) -> None:
    assert told(seal)
    headers, raw = hook.headers(), hook.requests[0].split(b"\r\n\r\n", 1)[1]
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
    right = base64.b64encode(hmac.new(KEY, message, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}"
    assert said(hook) == [json.loads(line) for line in seal.outside.read_bytes().splitlines()]
    signed = verifying(seal.public)
    for one in said(hook):
        statement = Statement(**one["block"])
        assert signed(statement.kid, bytes.fromhex(one["signature"]), statement.message())
    assert not told(seal), "there is nothing more to tell"
    assert len(hook.requests) == 1


def test_what_is_sealed_later_is_told_from_there_on(seal: Seal, world: World, hook: Rude) -> None:
    assert told(seal)
    tell(world.organization.id, 1)
    seal.passes()
    assert told(seal)
    whole = [json.loads(line) for line in seal.outside.read_bytes().splitlines()]
    assert said(hook, 0) + said(hook, 1) == whole
    assert Outlet.objects.get().told == seal.outside.stat().st_size


def test_what_is_not_taken_is_told_again_later_under_the_same_id(seal: Seal, settings: Any) -> None:
    settings.LAM_CHECKPOINT_SECRET = SECRET
    with rude(says(503, "busy")) as hook:
        settings.LAM_CHECKPOINT_URL = hook.url
        assert not told(seal)
        row = Outlet.objects.get()
        assert (row.attempts, row.told, row.problem) == (1, 0, "127.0.0.1 answered 503.")
        assert row.failing_since is not None
        assert row.due_at is not None
        assert not told(seal), "it waits before it tries again"
        assert len(hook.requests) == 1
        Outlet.objects.update(due_at=row.due_at - timedelta(days=1))
        assert not told(seal)
        first, second = hook.headers(0), hook.headers(1)
        assert first["webhook-id"] == second["webhook-id"]
        again = Outlet.objects.get()
        assert (again.attempts, again.failing_since) == (2, row.failing_since)
        hook.manner = says(200, "ok")
        Outlet.objects.update(due_at=None)
        assert told(seal)
    well = Outlet.objects.get()
    assert (well.attempts, well.failing_since, well.problem, well.behind) == (0, None, "", 0)


def test_an_address_at_which_nobody_is_stops_nothing(seal: Seal, world: World, settings: Any) -> None:
    settings.LAM_CHECKPOINT_URL, settings.LAM_CHECKPOINT_SECRET = f"http://127.0.0.1:{closed_port()}/", SECRET
    assert not told(seal)
    assert Outlet.objects.get().problem
    tell(world.organization.id, 1)
    assert seal.passes() == 1


def test_a_file_that_was_put_back_is_told_from_its_beginning(seal: Seal, hook: Rude) -> None:
    assert told(seal)
    seal.outside.write_bytes(seal.outside.read_bytes().splitlines(keepends=True)[0])
    assert told(seal)
    assert len(said(hook)) == 1


def test_a_line_that_a_crash_cut_short_is_not_told(seal: Seal, hook: Rude) -> None:
    whole = seal.outside.read_bytes()
    seal.outside.write_bytes(whole + b'{"block":{"cha')
    assert told(seal)
    assert len(said(hook)) == whole.count(b"\n")
    assert Outlet.objects.get().told == len(whole)


def test_without_an_address_nothing_is_told_and_without_a_secret_nothing_starts(seal: Seal, settings: Any) -> None:
    assert not told(seal)
    assert not Outlet.objects.exists()
    checkpoint_post.ready()
    settings.LAM_CHECKPOINT_URL = "https://example.org/"
    with pytest.raises(WrongSetting, match="LAM_CHECKPOINT_SECRET"):
        checkpoint_post.ready()
