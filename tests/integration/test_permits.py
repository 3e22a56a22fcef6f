"""A permit is genuine or it is nothing: one key, one algorithm, one spelling, exactly these claims."""

import base64
import json
import random
import uuid
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured

from approvals import permits
from tests.support.permits import CLAIMS
from tools.permit_keys import kid_of
from tools.permits import ALGORITHM, ISSUER, PermitClaims, PermitRefused, verify

HEADER = {"alg": ALGORITHM, "typ": "permit+jwt"}


@pytest.fixture(scope="module")
def token() -> str:
    return permits.sign(CLAIMS)


def public_pem(settings: Any) -> bytes:
    return Path(settings.LAM_PERMIT_PUBLIC_KEY).read_bytes()


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(payload: dict[str, Any], header: dict[str, Any] | None = None, key: Any = None) -> str:
    """A token of our own making, under the real key unless another is given."""
    headers = {"kid": permits.kid(), "typ": "permit+jwt", **(header or {})}
    return jwt.encode(payload, key or permits._key(), algorithm=ALGORITHM, headers=headers)


def test_a_signed_permit_says_what_was_signed(token: str) -> None:
    assert verify(token) == CLAIMS


def test_a_changed_byte_anywhere_is_refused(token: str) -> None:
    chance = random.Random(1009)
    raw = token.encode()
    tried = 0
    for place in range(len(raw)):
        for value in {raw[place] ^ 1, raw[place] ^ 0x20, chance.randrange(1, 256), ord("A"), ord("_")} - {raw[place]}:
            changed = (raw[:place] + bytes([value]) + raw[place + 1 :]).decode("latin-1")
            with pytest.raises(PermitRefused):
                verify(changed)
            tried += 1
    assert tried >= 2_000


def test_ten_thousand_single_byte_mutations_are_all_refused(token: str) -> None:
    chance = random.Random(20_261_121)
    raw = token.encode()
    for _ in range(10_000):
        place = chance.randrange(len(raw))
        other = chance.choice([value for value in range(256) if value != raw[place]])
        with pytest.raises(PermitRefused):
            verify((raw[:place] + bytes([other]) + raw[place + 1 :]).decode("latin-1"))


def test_a_byte_more_or_less_is_refused(token: str) -> None:
    for place in range(0, len(token) + 1, 7):
        for changed in (token[:place] + "A" + token[place:], token[:place] + token[place + 1 :], token[:place]):
            if changed != token:
                with pytest.raises(PermitRefused):
                    verify(changed)


@pytest.mark.parametrize("name", [field.name for field in fields(PermitClaims)])
def test_t06_every_claim_is_covered_by_the_signature(name: str, token: str) -> None:
    value = getattr(CLAIMS, name)
    other = {str: lambda: value + "0", int: lambda: value + 1, uuid.UUID: uuid.uuid4, tuple: lambda: value[:1]}
    changed = replace(CLAIMS, **{name: other[type(value)]()})
    head, _, signature = token.split(".")
    with pytest.raises(PermitRefused, match="signature"):
        verify(f"{head}.{part(changed.to_jwt())}.{signature}")


def test_t11_another_key_signs_nothing_even_under_our_keys_name(settings: Any) -> None:
    stranger = Ed25519PrivateKey.generate()
    for header in ({"kid": permits.kid()}, {"kid": kid_of(stranger.public_key())}):
        with pytest.raises(PermitRefused):
            verify(signed(CLAIMS.to_jwt(), header, stranger))
    with pytest.raises(PermitRefused):
        verify(jwt.encode(CLAIMS.to_jwt(), settings.SECRET_KEY, algorithm="HS256", headers={"kid": permits.kid()}))


def test_t12_no_algorithm_but_ours_is_believed(token: str, settings: Any) -> None:
    _, body, signature = token.split(".")
    for algorithm in (
        "none",
        "None",
        "NONE",
        "HS256",
        "HS512",
        "ES256",
        "RS256",
        "EdDSA ",
        "eddsa",
        "Ed25519",
        None,
        ["EdDSA"],
    ):
        head = part({"alg": algorithm, "kid": permits.kid(), "typ": "permit+jwt"})
        for tail in (signature, ""):
            with pytest.raises(PermitRefused):
                verify(f"{head}.{body}.{tail}")


def test_t12_our_public_key_is_no_secret_to_sign_with(settings: Any) -> None:
    import hashlib
    import hmac

    public = serialization.load_pem_public_key(public_pem(settings))
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    for secret in (public_pem(settings), public_pem(settings).strip(), raw):
        for algorithm in ("HS256", "EdDSA"):
            text = f"{part({'alg': algorithm, 'kid': permits.kid(), 'typ': 'permit+jwt'})}.{part(CLAIMS.to_jwt())}"
            mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
            with pytest.raises(PermitRefused):
                verify(f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_t12_the_header_names_our_key_our_type_and_nothing_else() -> None:
    payload = CLAIMS.to_jwt()
    assert verify(signed(payload)) == CLAIMS
    for header in (
        {"kid": "unknown"},
        {"kid": ""},
        {"kid": "../../etc/passwd"},
        {"typ": "JWT"},
        {"typ": None},
        {"jku": "https://evil.example/keys"},
        {"jwk": {"kty": "OKP"}},
        {"crit": ["exp"]},
        {"x5u": "https://evil.example"},
    ):
        with pytest.raises(PermitRefused):
            verify(signed(payload, header))


def test_our_own_key_signs_no_other_kind_of_claims() -> None:
    payload = CLAIMS.to_jwt()
    for changed in (
        {**payload, "admin": True},
        {**payload, "aud": "executor"},
        {**payload, "iat": 1},
        {**payload, "iss": "somebody"},
        {**payload, "step": "4"},
        {**payload, "epoch": True},
        {**payload, "step": 4.0},
        {**payload, "exp": str(payload["exp"])},
        {**payload, "jti": payload["jti"].upper().replace("-", "")},
        {**payload, "dec": "ab"},
        {**payload, "dec": None},
        {**payload, "args": None},
        *({key: value for key, value in payload.items() if key != name} for name in payload),
    ):
        with pytest.raises(PermitRefused):
            verify(signed(changed))
    assert payload["iss"] == ISSUER


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "null.null.null",
        "\x00",
        "é.é.é",
        "\ud800",
        "e30.e30.e30",
        "W10.W10.W10",
        "a" * 10_000,
    ],
)
def test_nonsense_is_refused_and_nothing_else_happens(nonsense: str) -> None:
    with pytest.raises(PermitRefused) as caught:
        verify(nonsense)
    assert (caught.value.http_status, caught.value.code) == (403, "not_permitted")


def test_f25_time_is_not_judged_here_but_by_the_database_in_the_claim(token: str) -> None:
    assert verify(token).expires < 1_800_000_000  # long over, and still genuine


def test_a_new_key_and_the_old_one_hold_side_by_side_while_one_replaces_the_other(
    token: str, settings: Any, tmp_path: Path
) -> None:
    coming = Ed25519PrivateKey.generate()
    pem = coming.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    both = tmp_path / "permit.pub.pem"
    both.write_bytes(public_pem(settings) + pem)
    settings.LAM_PERMIT_PUBLIC_KEY = both
    assert verify(token) == CLAIMS
    assert verify(signed(CLAIMS.to_jwt(), {"kid": kid_of(coming.public_key())}, coming)) == CLAIMS
    both.write_bytes(pem)
    with pytest.raises(PermitRefused, match="not known here"):
        verify(token)


def test_a_private_key_that_others_may_read_signs_nothing(settings: Any, tmp_path: Path) -> None:
    loose = tmp_path / "permit.pem"
    loose.write_bytes(Path(settings.LAM_PERMIT_KEY).read_bytes())
    settings.LAM_PERMIT_KEY = loose
    for mode in (0o644, 0o640, 0o604, 0o602):
        loose.chmod(mode)
        with pytest.raises(ImproperlyConfigured, match="LAM_PERMIT_KEY"):
            permits.sign(CLAIMS)
    loose.chmod(0o600)
    assert verify(permits.sign(CLAIMS)) == CLAIMS
