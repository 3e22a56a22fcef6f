"""A record with some events in it, sealed, and the ways in which somebody who owns the database could change it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from lam_app.sealing import begin, one_pass, verifying
from tests.support.sql import without_guards
from tests.support.up import until
from traces import checkpoints
from traces.exporting import export, verify_database
from traces.keys import SealKey, kid_of, private_key
from traces.sealer import Chain
from traces.services import Actor, Entry, record
from traces.verifier import Report


@dataclass
class Seal:
    """The sealer's files and where it stands."""

    private: Path
    public: Path
    outside: Path
    chain: Chain

    @property
    def key(self) -> SealKey:
        """The private key."""
        return private_key(self.private)

    def passes(self, *, wait: bool = True) -> int:
        """Seal until nothing is left; how many blocks that made.

        Transactions of other databases of the cluster hold sealing back as well, so those of tests beside this one are
        waited for, unless the test has one open itself.
        """
        if wait:
            until(nobody_is_older, 120, "older transactions of the cluster have ended")
        made = 0
        while more := one_pass(self.chain, self.key, self.outside):
            made += more
        return made

    def begin(self) -> None:
        """Be started anew."""
        self.chain = begin(self.public, self.outside)

    def report(self, organization: uuid.UUID, *, outside: bool = True) -> Report:
        """What verifying the database finds."""
        signed = verifying(self.public)
        known = checkpoints.heads(self.outside, signed).get(str(organization), {}) if outside else {}
        return verify_database(organization, signed, outside=known)


def nobody_is_older() -> bool:
    """Whether every transaction of the cluster that could hold back what was written so far has ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(transaction), 0) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            " FROM traces_event"
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def seal_in(folder: Path) -> Seal:
    """Keys of its own in a folder, and a chain that has not begun."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / "seal.pem", folder / "seal.pub.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert private_key(private).kid == kid_of(key.public_key())
    return Seal(private, public, folder / "checkpoints.jsonl", begin(public, folder / "checkpoints.jsonl"))


def tell(organization: uuid.UUID, count: int, *, verb: str = "noted", subject: uuid.UUID | None = None) -> None:
    """Write so many events, each in a transaction of its own."""
    for number in range(count):
        record(
            Entry(
                organization=organization,
                actor=Actor.system("tester"),
                verb=verb,
                subject_kind="action",
                subject=subject or uuid.uuid4(),
                reason=f"“{number}” \\ \u2028 ✓",
                detail={"number": number, "text": 'a "quoted" line\nand another'},
            )
        )


def lines(organization: uuid.UUID) -> list[bytes]:
    """The export."""
    return [line.encode() for line in export(organization)]


def tamper(sql: str, *parameters: Any) -> int:
    """Do something that no trigger sees, as the cluster's administrator; how many rows it touched."""
    with without_guards() as admin:
        return admin.execute(sql, parameters).rowcount
