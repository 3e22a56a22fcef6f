"""What machines ask about the process: /healthz, /readyz, and the keys that permits are signed under."""

import base64
import json
from pathlib import Path

import jwt
import pytest
from django.test import Client, override_settings

from approvals.models import Action, Permit
from approvals.tasks import sign_permits
from tests.support.world import World, approved


def test_a_living_process_says_so_without_its_database(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    class Gone:
        def cursor(self) -> None:
            raise OperationalError("no server")

    assert Client().get("/readyz").status_code == 200
    monkeypatch.setattr("lam_app.health.connection", Gone())
    assert Client().get("/healthz").content == b"ok\n"
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert b"no server" not in answer.content


def test_a_permit_is_verified_with_the_published_key_alone(world: World) -> None:
    action = world.staged()
    approved(world, action)
    sign_permits()
    token = Permit.objects.get(action=Action.objects.get(id=action.id)).token
    answer = Client().get("/.well-known/jwks.json")
    keys = {key["kid"]: key for key in json.loads(answer.content)["keys"]}
    found = keys[jwt.get_unverified_header(token)["kid"]]
    assert (found["kty"], found["crv"], found["use"]) == ("OKP", "Ed25519", "sig")
    assert set(found) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert len(base64.urlsafe_b64decode(found["x"] + "=")) == 32
    claims = jwt.decode(token, jwt.PyJWK(found), algorithms=["EdDSA"], issuer="countersign")
    assert claims["sub"] == str(action.id)


def test_without_a_key_the_answer_is_not_yet(db: None, tmp_path: Path) -> None:
    with override_settings(LAM_PERMIT_PUBLIC_KEY=tmp_path / "missing.pem"):
        assert Client().get("/.well-known/jwks.json").status_code == 503
