"""The public keys that permits are accepted under: a file of PEM blocks, each with the moment of its retirement.

    retired 1795000000
    -----BEGIN PUBLIC KEY----- …

A retired key still vouches for what was signed before it was retired, for as long as such a permit can live, and
stays in the file after that, so that old permits can be verified as evidence. Whoever steals it later signs nothing:
a permit of a later date, or one that would outlive every permit of that time, is refused.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from traces.canonical import digest

LONGEST_LIFE = 3600
"""Seconds that a permit may live at most: the upper bound of LAM_PERMIT_SECONDS."""
_BLOCK = re.compile(
    rb"(?:^retired (?P<retired>[0-9]{1,12})\s+)?"
    rb"(?P<pem>^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class PublicKey:
    """One key, by its name, and when it stopped signing (seconds since 1970); None while it signs."""

    kid: str
    key: Ed25519PublicKey
    retired: int | None = None

    def vouches_for(self, not_before: int, expires: int) -> bool:
        """Whether a permit of these times can have been signed while this key was in use."""
        return self.retired is None or (not_before <= self.retired and expires <= self.retired + LONGEST_LIFE)


def kid_of(public: Ed25519PublicKey) -> str:
    """A key's name: the first half of a digest of the key itself, so that two keys never share one."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return digest("permit_key", raw.hex())[7:39]


def parse(text: bytes) -> dict[str, PublicKey]:
    """The keys in a file's text, by name. Raises ValueError for a block that holds no Ed25519 key."""
    found: dict[str, PublicKey] = {}
    for block in _BLOCK.finditer(text):
        key = serialization.load_pem_public_key(block["pem"] + b"\n")
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("a permit key has to be an Ed25519 key")  # noqa: TRY004 (the file is wrong, not the caller)
        kid = kid_of(key)
        found[kid] = PublicKey(kid, key, int(block["retired"]) if block["retired"] else None)
    return found


def spelled(keys: Iterable[PublicKey]) -> str:
    """The file's text for these keys, in their order."""
    blocks = []
    for one in keys:
        pem = one.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        blocks.append((f"retired {one.retired}\n" if one.retired is not None else "") + pem.decode())
    return "".join(blocks)


@functools.lru_cache(maxsize=8)
def _read(path: Path, _modified: int) -> dict[str, PublicKey]:
    return parse(path.read_bytes())


def read(path: Path) -> dict[str, PublicKey]:
    """The keys of a file, read again whenever it was replaced. Raises OSError or ValueError."""
    return _read(path, path.stat().st_mtime_ns)
