"""Verifying permits: with the public key alone, one algorithm, and the database's clock for time.

A permit is a JWT (RFC 7519) signed with Ed25519 (RFC 8037). What the header says of an algorithm is never believed
(RFC 8725 §3.1), and an unknown key id is refused. Whether a permit has expired is judged inside the
claim by the database, never here: an executor's clock decides nothing.
"""

import functools
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from traces.canonical import digest
from traces.exceptions import DomainError

ISSUER = "countersign"
ALGORITHM = "EdDSA"


class PermitRefused(DomainError):
    """The permit does not hold."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "not_permitted"


@dataclass(frozen=True)
class PermitClaims:
    """Everything that a permit covers. Times are seconds since 1970 by the database's clock."""

    permit: uuid.UUID
    organization: uuid.UUID
    run: uuid.UUID
    step: int
    action: uuid.UUID
    revision: uuid.UUID
    digest: str
    tool: str
    tool_version: uuid.UUID
    tool_hash: str
    arguments: str
    request: str
    policy: uuid.UUID
    maturity: str
    deciders: tuple[uuid.UUID, ...]
    epoch: int
    not_before: int
    expires: int
    key: str

    def to_jwt(self) -> dict[str, Any]:
        """The claims as a JWT's payload, with the registered names of RFC 7519 where there are any."""
        return {
            "iss": ISSUER,
            "jti": str(self.permit),
            "sub": str(self.action),
            "nbf": self.not_before,
            "exp": self.expires,
            "org": str(self.organization),
            "run": str(self.run),
            "step": self.step,
            "rev": str(self.revision),
            "dig": self.digest,
            "tool": self.tool,
            "tver": str(self.tool_version),
            "thash": self.tool_hash,
            "args": self.arguments,
            "req": self.request,
            "pol": str(self.policy),
            "mat": self.maturity,
            "dec": [str(d) for d in self.deciders],
            "epoch": self.epoch,
            "key": self.key,
        }

    @classmethod
    def from_jwt(cls, payload: dict[str, Any]) -> "PermitClaims":
        """The claims of a verified payload. Raises PermitRefused when one is missing, extra or of the wrong kind."""
        try:
            _of_kind(str, payload, ("dig", "tool", "thash", "args", "req", "mat", "key"))
            _of_kind(int, payload, ("step", "epoch", "nbf", "exp"))
            claims = cls(
                permit=uuid.UUID(payload["jti"]),
                organization=uuid.UUID(payload["org"]),
                run=uuid.UUID(payload["run"]),
                step=payload["step"],
                action=uuid.UUID(payload["sub"]),
                revision=uuid.UUID(payload["rev"]),
                digest=payload["dig"],
                tool=payload["tool"],
                tool_version=uuid.UUID(payload["tver"]),
                tool_hash=payload["thash"],
                arguments=payload["args"],
                request=payload["req"],
                policy=uuid.UUID(payload["pol"]),
                maturity=payload["mat"],
                deciders=tuple(uuid.UUID(d) for d in payload["dec"]),
                epoch=payload["epoch"],
                not_before=payload["nbf"],
                expires=payload["exp"],
                key=payload["key"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PermitRefused("The permit's claims are not those of a permit.") from error
        if claims.to_jwt() != payload:
            raise PermitRefused("The permit's claims are not those of a permit.")
        return claims


def _of_kind(kind: type, payload: dict[str, Any], names: tuple[str, ...]) -> None:
    """Raise TypeError for a claim of another type, also for one that Python takes for equal (True, 1 and 1.0)."""
    for name in names:
        if type(payload[name]) is not kind:
            raise TypeError(name)


def kid_of(public: Ed25519PublicKey) -> str:
    """A key's name: the first half of a digest of the key itself, so that two keys never share one."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return digest("permit_key", raw.hex())[7:39]


@functools.lru_cache(maxsize=8)
def _read(path: Path, _modified: int) -> dict[str, Ed25519PublicKey]:
    keys: dict[str, Ed25519PublicKey] = {}
    for block in path.read_bytes().split(b"-----END PUBLIC KEY-----"):
        if b"BEGIN PUBLIC KEY" not in block:
            continue
        key = serialization.load_pem_public_key(block.strip() + b"\n-----END PUBLIC KEY-----\n")
        if not isinstance(key, Ed25519PublicKey):
            raise PermitRefused("A permit key has to be an Ed25519 key.")
        keys[kid_of(key)] = key
    return keys


def public_keys() -> dict[str, Ed25519PublicKey]:
    """The keys that permits are accepted under, by name; several while one replaces another."""
    path = Path(settings.LAM_PERMIT_PUBLIC_KEY)
    return _read(path, path.stat().st_mtime_ns)


def verify(token: str) -> PermitClaims:
    """The claims of a genuine permit. Raises PermitRefused for anything else; says nothing about time or reuse."""
    try:
        header = jwt.get_unverified_header(token)
        if set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM or header["typ"] != "permit+jwt":
            raise PermitRefused("The permit's header is not that of a permit.")
        key = public_keys().get(str(header["kid"]))
        if key is None:
            raise PermitRefused("The permit is signed under a key that is not known here.")
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "require": ["jti", "sub", "exp", "nbf"],
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, UnicodeError) as error:
        raise PermitRefused("The permit's signature does not hold.") from error
    # Base64 has several spellings of the same bytes; only the one that we sign is a permit.
    if _canonical_spelling(token) != token:
        raise PermitRefused("The permit is not spelled as it was signed.")
    return PermitClaims.from_jwt(payload)


def _canonical_spelling(token: str) -> str:
    return ".".join(jwt.utils.base64url_encode(jwt.utils.base64url_decode(part)).decode() for part in token.split("."))
