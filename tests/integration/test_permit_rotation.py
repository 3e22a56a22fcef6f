"""The key that signs can be replaced while permits are under way; whoever steals the old one signs nothing."""

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.core.management import CommandError, call_command
from django.test import Client

from approvals import permits
from approvals.models import Permit
from approvals.tasks import sign_permits
from lam_app.environment import WrongSetting
from lam_app.supervisor.keys import OVERLAP_SECONDS, permit_keys, rotate
from tests.support.permits import CLAIMS
from tests.support.world import World, approved
from tools.permit_keys import LONGEST_LIFE, read
from tools.permits import ALGORITHM, PermitClaims, PermitRefused, verify


@pytest.fixture
def keys(settings: Any, tmp_path: Path) -> tuple[Path, Path]:
    """A private and a public file of this test's own."""
    private, public = tmp_path / "permit.pem", tmp_path / "permit.pub.pem"
    permit_keys(private, public)
    settings.LAM_PERMIT_KEY, settings.LAM_PERMIT_PUBLIC_KEY = private, public
    return private, public


def fresh(**changes: Any) -> PermitClaims:
    """Claims of a permit that begins now."""
    at = int(time.time())
    return replace(CLAIMS, **{"not_before": at, "expires": at + 120, **changes})


def under(key: Any, kid: str, claims: PermitClaims) -> str:
    return jwt.encode(claims.to_jwt(), key, algorithm=ALGORITHM, headers={"kid": kid, "typ": "permit+jwt"})


def test_f40_what_was_signed_before_a_rotation_still_holds_and_the_new_key_signs_from_then_on(keys: Any) -> None:
    before, token = permits.kid(), permits.sign(fresh())
    kid = rotate(*keys)
    assert kid == permits.kid() != before
    assert verify(token)
    assert verify(permits.sign(fresh()))
    assert list(read(keys[1])) == [kid, before]


def test_a_retired_key_signs_nothing_after_its_time_and_nothing_that_outlives_it(keys: Any) -> None:
    stolen = serialization.load_pem_private_key(keys[0].read_bytes(), None)
    old = permits.kid()
    rotate(*keys)
    retired = read(keys[1])[old].retired
    assert retired is not None
    assert retired <= time.time() + OVERLAP_SECONDS
    assert verify(under(stolen, old, fresh(not_before=retired, expires=retired + LONGEST_LIFE)))
    for claims in (
        fresh(not_before=retired + 1, expires=retired + 2),
        fresh(not_before=retired - 10, expires=retired + LONGEST_LIFE + 1),
    ):
        with pytest.raises(PermitRefused, match="retired"):
            verify(under(stolen, old, claims))


def test_a_key_put_in_place_by_hand_retires_the_one_before_it(keys: Any, tmp_path: Path) -> None:
    private, public = keys
    old = permits.kid()
    other, elsewhere = tmp_path / "other.pem", tmp_path / "other.pub.pem"
    permit_keys(other, elsewhere)
    other.rename(private)
    permit_keys(private, public)
    known = read(public)
    assert [one.retired is None for one in known.values()] == [True, False]
    assert list(known)[1] == old
    assert permits.kid() in known


def test_what_is_no_key_is_never_replaced(keys: Any) -> None:
    private, public = keys
    announced = public.read_bytes()
    private.write_text("not a key")
    with pytest.raises(WrongSetting, match="LAM_PERMIT_KEY"):
        rotate(private, public)
    assert public.read_bytes() == announced
    assert private.read_text() == "not a key"


def test_everybody_can_fetch_the_keys_old_and_new(keys: Any) -> None:
    rotate(*keys)
    answer = Client().get("/.well-known/jwks.json")
    assert [one["kid"] for one in answer.json()["keys"]] == list(read(keys[1]))
    assert b"PRIVATE" not in answer.content


def test_a_permit_can_be_read_by_its_id_its_action_or_itself(world: World, keys: Any, capsys: Any) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    permit = Permit.objects.get(action=action)
    for wanted in (str(permit.id), str(action.id), permit.token):
        call_command("permit", "show", wanted)
        said = capsys.readouterr().out
        assert json.loads(said[: said.index("}") + 1])["sub"] == str(action.id)
        assert "The signature holds." in said


def test_a_genuine_token_that_was_never_issued_is_called_so(world: World, keys: Any) -> None:
    with pytest.raises(CommandError, match="knows no such permit"):
        call_command("permit", "show", permits.sign(fresh()))
    with pytest.raises(CommandError, match="no permit of ours"):
        call_command("permit", "show", "e30.e30.e30")


def test_the_command_rotates_and_lists(keys: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("permit", "rotate")
    call_command("permit", "keys")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("signs")
    assert "its permits hold until" in lines[2]
    later = time.time() + OVERLAP_SECONDS + 1
    monkeypatch.setattr("lam_app.management.commands.permit.time", SimpleNamespace(time=lambda: later))
    call_command("permit", "keys")
    assert "retired at" in capsys.readouterr().out
