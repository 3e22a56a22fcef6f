"""The keys of the seal: the sealer alone reads the private one, and everybody may read the public ones."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from traces.exceptions import SealKeyWrong

_BEGIN, _END = b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"


def kid_of(public: Ed25519PublicKey) -> str:
    """A key's name: the first half of the hash of its 32 bytes, so that two keys never share one."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:32]


@dataclass(frozen=True)
class SealKey:
    """The private key, under its name."""

    kid: str
    key: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        return self.key.sign(message)


def private_key(path: Path) -> SealKey:
    """The key in a PEM file. Raises OSError, or SealKeyWrong where it holds something else."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealKeyWrong(f"{path.name} is not an unencrypted Ed25519 private key (PEM)")
    return SealKey(kid_of(key.public_key()), key)


def public_keys(text: bytes) -> dict[str, Ed25519PublicKey]:
    """The keys in a file of PEM blocks, by name. Raises SealKeyWrong where there is none, or one of another kind."""
    found = {}
    for block in text.split(_BEGIN)[1:]:
        pem = _BEGIN + block.partition(_END)[0] + _END + b"\n"
        try:
            key = serialization.load_pem_public_key(pem)
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise SealKeyWrong("a key of the seal has to be an Ed25519 public key (PEM)")
        found[kid_of(key)] = key
    if not found:
        raise SealKeyWrong("the file holds no public key (PEM)")
    return found


def holds(keys: Mapping[str, Ed25519PublicKey], kid: str, signature: bytes, message: bytes) -> bool:
    """Whether one of these keys signed the message under this name."""
    key = keys.get(kid)
    if key is None:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
