"""The keys of an instance, made on first start. Private halves never leave LAM_HOME/keys (0700)."""

from __future__ import annotations

import secrets
from pathlib import Path

from lam_app.environment import WrongSetting
from lam_app.supervisor.embedded import write_secret


def signing_secret(keys: Path) -> str:
    """What the web role signs sessions and forms with."""
    place = keys / "secret"
    if not place.exists():
        write_secret(place, secrets.token_urlsafe(50))
    return place.read_text().strip()


def permit_keys(private: Path, public: Path) -> None:
    """Make the gatekeeper's Ed25519 key if there is none, and write its public half where executors may read it.

    Raises WrongSetting when the private key's file holds something else.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if private.exists() and public.exists() and public.stat().st_mtime >= private.stat().st_mtime:
        return  # the usual start does not even open the private key
    if not private.exists():
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(private, made.decode())
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongSetting("LAM_PERMIT_KEY", f"{private} is not an unencrypted Ed25519 private key (PEM)")
    spelled = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_secret(public, spelled.decode())
    public.chmod(0o644)
