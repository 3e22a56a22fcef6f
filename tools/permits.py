"""Verifying permits: with the public key alone, one algorithm, and the database's clock for time.

A permit is a JWT (RFC 7519) signed with Ed25519 (RFC 8037). What the header says of an algorithm is never believed
(RFC 8725 §3.1); an unknown key id is refused, and so is a retired key for what came after it. Whether a permit has
expired is judged inside the claim by the database, never here: an executor's clock decides nothing.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jwt
from django.conf import settings

from tools.permit_keys import PublicKey, read
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


def public_keys() -> dict[str, PublicKey]:
    """The keys that permits are accepted under, by name. Raises OSError where there is no file yet."""
    return read(Path(settings.LAM_PERMIT_PUBLIC_KEY))


def verify(token: str) -> PermitClaims:
    """The claims of a genuine permit. Raises PermitRefused for anything else; says nothing about time or reuse."""
    try:
        header = jwt.get_unverified_header(token)
        if set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM or header["typ"] != "permit+jwt":
            raise PermitRefused("The permit's header is not that of a permit.")
        known = public_keys().get(str(header["kid"]))
        if known is None:
            raise PermitRefused("The permit is signed under a key that is not known here.")
        payload = jwt.decode(
            token,
            known.key,
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
    claims = PermitClaims.from_jwt(payload)
    if not known.vouches_for(claims.not_before, claims.expires):
        raise PermitRefused("The permit is signed under a key that had been retired.")
    return claims


def _canonical_spelling(token: str) -> str:
    return ".".join(jwt.utils.base64url_encode(jwt.utils.base64url_decode(part)).decode() for part in token.split("."))
