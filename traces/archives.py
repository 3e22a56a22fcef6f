"""Evidence as one file: a zip archive in the one way in which it can be written, with a signed list of what it holds.

Nothing in it is compressed and nothing is left to a library's taste: an archive is read, written again from what was
read, and has to be the same to the byte. The list (``manifest.json``) has the hash of every other member, and the key
of the seal has signed the list; the record's own part (``record.jsonl``) is an excerpt with its blocks. Pure.
"""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from traces.chain import written
from traces.exceptions import ExportBroken
from traces.verifier import Signed

FORMAT: Final = "countersign-evidence-1"
SIGNED: Final = b"countersign-evidence-1\n"
MANIFEST, SIGNATURE, RECORD = "manifest.json", "manifest.sig", "record.jsonl"
LARGEST: Final = 200_000_000
"""Bytes of one archive."""
_DOS_TIME: Final = (0, 0x21)  # 1 January 1980, midnight: an archive says in its list when it was made
_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_UTF8, _UNIX_FILE = 0x0800, 0o100644 << 16


def zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip archive of these members in this order, stored as they are."""
    out, directory = bytearray(), bytearray()
    count = 0
    for name, data in members:
        told = name.encode()
        common = (_UTF8, 0, *_DOS_TIME, zlib.crc32(data), len(data), len(data), len(told), 0)
        directory += _CENTRAL.pack(0x02014B50, 0x0314, 20, *common, 0, 0, 0, _UNIX_FILE, len(out)) + told
        out += _LOCAL.pack(0x04034B50, 20, *common) + told + data
        count += 1
    return bytes(out + directory + _END.pack(0x06054B50, 0, 0, count, count, len(directory), len(out), 0))


def unzipped(data: bytes) -> dict[str, bytes]:
    """The members of an archive. Raises ExportBroken for one that is not written as ``zipped`` writes it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = archive.infolist()
            # Nothing is compressed, so more than the file itself cannot come out of it: it is not unpacked to see.
            if any(one.compress_type for one in inside) or sum(one.file_size for one in inside) > len(data):
                raise ValueError("more is said to be in it than there is")
            members = [(one.filename, archive.read(one)) for one in inside]
            again = zipped(members)
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, RuntimeError, EOFError) as wrong:
        raise ExportBroken("this is no archive of evidence") from wrong
    if len({name for name, _ in members}) != len(members) or again != data:
        raise ExportBroken("the archive is not written as one of evidence is")
    return dict(members)


def digest(data: bytes) -> dict[str, Any]:
    """What the list says of a member."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def bound(told: Mapping[str, Any], members: Mapping[str, bytes], kid: str, sign: Any) -> bytes:
    """An archive of these members; ``told`` is what else the list says, ``sign`` makes a signature of bytes."""
    listed = {name: digest(data) for name, data in members.items()}
    manifest = (written({**told, "format": FORMAT, "kid": kid, "members": listed}) + "\n").encode()
    first = [(MANIFEST, manifest), (SIGNATURE, sign(SIGNED + manifest).hex().encode() + b"\n")]
    return zipped([*first, *sorted(members.items())])


def opened(data: bytes, signed: Signed) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The list and the other members, once the signature and every hash hold. Raises ExportBroken with what is wrong.

    The record's part is verified by whoever reads it (``traces.attested.verify_evidence``).
    """
    members = unzipped(data)
    manifest, signature = members.pop(MANIFEST, b""), members.pop(SIGNATURE, b"")
    try:
        told = json.loads(manifest)
        kid, listed, made = told["kid"], told["members"], bytes.fromhex(signature.decode().removesuffix("\n"))
        same = (written(told) + "\n").encode() == manifest and made.hex().encode() + b"\n" == signature
        if not same or told["format"] != FORMAT or not isinstance(listed, dict):
            raise ValueError("another form")
    except (ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise ExportBroken(f"{MANIFEST}: it is not in a form that is known") from wrong
    if not signed(kid, made, SIGNED + manifest):
        raise ExportBroken(f"{MANIFEST}: it is not signed by a key that is known")
    if missing := sorted(set(listed) - set(members)):
        raise ExportBroken(f"{missing[0]}: it is missing")
    for name, content in members.items():
        if listed.get(name) != digest(content):
            raise ExportBroken(f"{name}: {'it was changed' if name in listed else 'nobody signed for it'}")
    return told, members
