"""The keys of an instance, made on first start. Private halves never leave LAM_HOME/keys (0700)."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lam_app.environment import WrongSetting
from lam_app.supervisor.embedded import write_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OVERLAP_SECONDS = 60
"""How long after a rotation the replaced key may still have signed: until the gatekeeper's next look at the file."""


def signing_secret(keys: Path) -> str:
    """What the web role signs sessions and forms with."""
    place = keys / "secret"
    if not place.exists():
        write_secret(place, secrets.token_urlsafe(50))
    return place.read_text().strip()


def permit_keys(private: Path, public: Path) -> None:
    """Make the gatekeeper's Ed25519 key if there is none, and write its public half where executors may read it.

    A private key that was replaced by hand takes the place of the older ones, which are retired from now on. Raises
    WrongSetting when the private key's file holds something else.
    """
    if private.exists() and public.exists() and public.stat().st_mtime >= private.stat().st_mtime:
        return  # the usual start does not even open the private key
    if not private.exists():
        _write_private(private)
    _announce(_read_private(private), public)


def seal_keys(private: Path, public: Path) -> None:
    """Make the sealer's Ed25519 key if there is none, and write its public half for whoever verifies the record.

    Public halves of keys before it stay in the file, since they vouch for what was sealed then. Raises WrongSetting
    when the private key's file holds something else.
    """
    if private.exists() and public.exists() and public.stat().st_mtime >= private.stat().st_mtime:
        return
    if not private.exists():
        _write_private(private)
    mine = _read_private(private, "LAM_SEAL_KEY").public_key()
    from cryptography.hazmat.primitives import serialization

    pem = mine.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    known = public.read_text() if public.exists() else ""
    write_secret(public, known if pem in known else pem + known)
    public.chmod(0o644)


def rotate(private: Path, public: Path, *, also: Path | None = None) -> str:
    """Replace the key that signs; the name of the new one.

    The new public half is announced before anything is signed with the new private one, and the old half stays beside
    it: what was signed until ``OVERLAP_SECONDS`` from now holds until it expires by itself. No process needs a restart.
    ``also`` is the copy that executors read where they may not enter the home.
    Raises WrongSetting when the file holds no such key, OSError when it may not be written.
    """
    from tools.permit_keys import kid_of

    _read_private(private)
    made = _made()
    _announce(made, public, retired=int(time.time()) + OVERLAP_SECONDS)
    if also is not None:
        publish(public, also)
    _write_private(private, made)
    return kid_of(made.public_key())


def publish(public: Path, copy: Path) -> None:
    """Write the public keys where accounts that may not enter the home can read them, in one step."""
    write_secret(copy, public.read_text())
    copy.chmod(0o644)


def _announce(key: Ed25519PrivateKey, public: Path, *, retired: int | None = None) -> None:
    """Put a key's public half first in the file, and retire the others that are not retired yet."""
    from dataclasses import replace

    from tools.permit_keys import PublicKey, kid_of, parse, spelled

    known = parse(public.read_bytes()) if public.exists() else {}
    current = PublicKey(kid_of(key.public_key()), key.public_key())
    at = int(time.time()) if retired is None else retired
    older = [
        one if one.retired is not None else replace(one, retired=at) for one in known.values() if one.kid != current.kid
    ]
    write_secret(public, spelled([current, *older]))
    public.chmod(0o644)


def _made() -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def _write_private(private: Path, key: Ed25519PrivateKey | None = None) -> None:
    from cryptography.hazmat.primitives import serialization

    spelled = (key or _made()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(private, spelled.decode())


def _read_private(private: Path, setting: str = "LAM_PERMIT_KEY") -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(private.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongSetting(setting, f"{private} is not an unencrypted Ed25519 private key (PEM)")
    return key
