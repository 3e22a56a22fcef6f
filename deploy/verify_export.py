#!/usr/bin/env python3
"""Verify an export of Countersign's record, or an archive of evidence, with nothing but this file and the public key.

    python3 verify_export.py EXPORT.jsonl|EVIDENCE.zip --key SEAL.pub.pem [--checkpoints CHECKPOINTS.jsonl]

Needs Python 3.9 and no package. It shares no code with the product: the format is read anew here, and Ed25519 is
computed from RFC 8032. Exit status 0 says that every byte of the export is as it was sealed and, with checkpoints, that
nothing was cut off its end; 1 that something is wrong (the first line printed names the first bad row); 2 that a file
could not be read at all.

The format. Line 1: {"format", "organization"}. Then, for each block, {"block", "rows", "signature"} and a line
{"detail", "event", "salt"} for each of its events. Every line is JSON without blanks, keys sorted, ASCII alone.
    leaf  = SHA-256(0x00, JSON of the event's list)
    link  = SHA-256(0x01, head before, 16 bytes of the event's id, leaf)
    start = SHA-256(0x02, JSON of [organization, chain])
    an event's last field = SHA-256(16 bytes of salt, detail); both are null where the detail is gone:
        an event "erased" names that event, or events "retention_forgot" tell how many went, from before when
    signature = Ed25519 over "countersign-block-1\\n" and the JSON of the block
An excerpt begins with {"excerpt", "signature"}, signed over "countersign-excerpt-1\\n" and the JSON of what it covers:
consecutive blocks with all events where it is whole, otherwise single blocks and of those the events it is about.
Evidence is a zip archive, nothing compressed: manifest.json has the SHA-256 of each member, manifest.sig the signature
over "countersign-evidence-1\\n" and manifest.json, and record.jsonl is an excerpt.
"""

import argparse
import base64
import hashlib
import io
import json
import pathlib
import re
import struct
import sys
import zipfile
import zlib

# ---------------------------------------------------------------- Ed25519, RFC 8032, section 5.1
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points in extended coordinates."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, z - t, z + t, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while scalar:
        total = add(total, point) if scalar & 1 else total
        point, scalar = add(point, point), scalar >> 1
    return total


def point_of(data):
    """The point that 32 bytes write, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public, signature, message):
    """Whether the key of these 32 bytes made this signature."""
    key, start, scalar = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or start is None or scalar >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(scalar, BASE), add(start, times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---------------------------------------------------------------- the format
EXCERPT = {"format", "organization", "whole", "first", "last", "blocks", "events", "erased", "kid"}
BLOCK = {"organization", "chain", "number", "first", "count", "previous", "head", "horizon", "sealed_at", "kid"}
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HEX = re.compile("([0-9a-f]{2})*")
PERIOD = re.compile(r"([0-9]{1,9}) details from before (\S{32})")  # the reason of an event "retention_forgot"


class Unreadable(Exception):
    """This is not such a file."""


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def dumps(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def unhex(text):
    if not isinstance(text, str) or not HEX.fullmatch(text):
        raise Unreadable("hexadecimal expected")
    return bytes.fromhex(text)


def id_bytes(text):
    if not isinstance(text, str) or not UUID.fullmatch(text):
        raise Unreadable("an id expected")
    return bytes.fromhex(text.replace("-", ""))


def keys_in(path):
    """The 32 bytes of each key in a PEM file, by the name that the product gives it."""
    found, text = {}, pathlib.Path(path).read_bytes()
    for body in re.findall(rb"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)-----END PUBLIC KEY-----", text):
        der = base64.b64decode(body)
        if not der.startswith(bytes.fromhex("302a300506032b6570032100")) or len(der) != 44:
            raise Unreadable(f"{path}: not an Ed25519 public key")
        found[hashlib.sha256(der[12:]).hexdigest()[:32]] = der[12:]
    if not found:
        raise Unreadable(f"{path}: no public key")
    return found


def vouched(keys, block, signature, what=b"countersign-block-1\n"):
    return block["kid"] in keys and signed_by(keys[block["kid"]], signature, what + dumps(block))


def read_line(line, number):
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise Unreadable(f"line {number}: no JSON") from None
    if not isinstance(value, dict) or dumps(value) + b"\n" != line:
        raise Unreadable(f"line {number}: not written as an export writes it")
    return value


class Reading:
    """What has been read so far, and what was wrong with it."""

    def __init__(self, keys, checkpoints):
        self.keys, self.checkpoints = keys, checkpoints
        self.wrong, self.events, self.blocks, self.erased = [], 0, 0, 0
        self.organization, self.chain, self.number, self.place, self.head = None, 0, 0, 0, b""
        self.waiting, self.bare, self.erasures, self.periods = [], [], set(), []
        self.excerpt, self.at, self.single, self.cut = None, [0, 0], False, False

    def say(self, text, place=0, event=""):
        where = f"chain {self.chain}" + (f", place {place}" if place else "")
        self.wrong.append(f"{where}: {text}" + (f" (event {event})" if event else ""))

    def take(self, value, number):
        if number == 1 and set(value) == {"excerpt", "signature"}:
            self.begin_excerpt(value["excerpt"], unhex(value["signature"]))
        elif number == 1:
            if set(value) != {"format", "organization"} or value["format"] != "countersign-audit-1":
                raise Unreadable("line 1: not an export of the record in a form that is known")
            id_bytes(value["organization"])
            self.organization = value["organization"]
        elif set(value) == {"block", "rows", "signature"}:
            self.block(value["block"], value["rows"], unhex(value["signature"]))
        elif set(value) == {"detail", "event", "salt"}:
            self.event(value["event"], value["salt"], value["detail"])
        elif set(value) == {"stray"}:
            self.say("an event that was never sealed here", 0, value["stray"])
        else:
            raise Unreadable(f"line {number}: it does not hold what such a line holds")

    def begin_excerpt(self, told, signature):
        if set(told) != EXCERPT or told["format"] != "countersign-excerpt-1":
            raise Unreadable("line 1: not an excerpt of the record in a form that is known")
        id_bytes(told["organization"])
        self.organization, self.excerpt, self.single = told["organization"], told, not told["whole"]
        self.erasures.update(told["erased"])
        if not vouched(self.keys, told, signature, b"countersign-excerpt-1\n"):
            self.say("what the excerpt covers is not signed by a key that is known")

    def jump(self, block):
        """In an excerpt, what stands before its first block or between single ones is outside."""
        at = [block["chain"], block["number"]]
        begins = not self.blocks and at == self.excerpt["first"]
        if (begins or (self.single and at > self.at)) and at[1] > 1 and at != [self.chain, self.number + 1]:
            self.chain, self.number, self.place = at[0], at[1] - 1, block["first"] - 1
            self.head = unhex(block["previous"])
        self.at = at

    def block(self, block, rows, signature):
        self.missing(len(self.waiting))
        if set(block) != BLOCK or not all(isinstance(block[n], int) for n in ("chain", "number", "first", "count")):
            raise Unreadable("a block with other fields")
        if self.excerpt:
            self.jump(block)
        self.blocks, name, first = self.blocks + 1, f"block {block['number']}", block["first"]
        if block["chain"] != self.chain:
            if block["chain"] < self.chain:
                self.say("a block of an earlier chain", first)
            self.chain, self.number, self.place = block["chain"], 0, 0
            self.head = sha(b"\2", dumps([self.organization, self.chain]))
        if block["organization"] != self.organization:
            self.say("a block of another organization", first)
        if block["number"] != self.number + 1:
            self.say(f"block {self.number + 1} is missing, {block['number']} follows", first)
        elif first != self.place + 1 or unhex(block["previous"]) != self.head:
            self.say(f"{name} does not follow the one before it", first)
        head, self.waiting = unhex(block["previous"]), []
        for place, (event, hashed) in enumerate(rows, first):
            head = sha(b"\1", head, id_bytes(event), unhex(hashed))
            self.waiting.append((place, event, unhex(hashed)))
        if block["count"] != len(rows) or unhex(block["head"]) != head:
            self.say(f"{name} was changed", first)
        if not vouched(self.keys, block, signature):
            self.say(f"{name} is not signed by a key that is known", first)
        kept = self.checkpoints.pop((self.organization, block["chain"], block["number"]), None)
        if kept not in (None, block["head"]):
            self.say(f"{name} is another one than the checkpoint outside tells of", first)
        self.number, self.place, self.head = block["number"], first + block["count"] - 1, unhex(block["head"])

    def event(self, event, salt, detail):
        if not isinstance(event, list) or len(event) != 17:
            raise Unreadable("an event with other fields")
        found = next((at for at, row in enumerate(self.waiting) if row[1] == event[0]), None)
        if found is None:
            self.say("an event that was never sealed here, or is out of order", 0, event[0])
            return
        self.missing(found)
        (place, name, hashed), self.events = self.waiting.pop(0), self.events + 1
        if sha(b"\0", dumps(event)) != hashed:
            self.say("the event was changed", place, name)
        elif event[1] != self.organization:
            self.say("an event of another organization", place, name)
        # A salt of any other length could be the beginning of a detail.
        told = salt is not None and detail is not None and len(unhex(salt)) == 16
        if salt is None and detail is None:
            self.bare.append((place, name, event[2]))
        elif not told or sha(unhex(salt), detail.encode()).hex() != event[16]:
            self.say("the event's detail was changed", place, name)
        if event[6] == "erased" and event[7] == "event":
            self.erasures.add(event[8])
        elif event[6] == "retention_forgot" and (period := PERIOD.fullmatch(str(event[11]))):
            self.periods.append((period[2], int(period[1])))

    def outlived(self):
        """Details that are gone and that no forgetting accounts for: each tells how many went, from before when."""
        left, unexplained, waiting = 0, set(), sorted(self.periods)
        for at, name in sorted(((at, name) for _, name, at in self.bare if name not in self.erasures), reverse=True):
            while waiting and waiting[-1][0] > at:
                left += waiting.pop()[1]
            unexplained |= set() if left else {name}
            left = max(0, left - 1)
        return unexplained

    def missing(self, count):
        for place, name, _ in () if self.single else self.waiting[:count]:
            self.say("the event is missing", place, name)
        del self.waiting[:count]

    def end(self):
        self.missing(len(self.waiting))
        unexplained = self.outlived()
        self.erased = sum(name not in unexplained for _, name, _ in self.bare)
        for place, name in [(place, name) for place, name, _ in self.bare if name in unexplained]:
            self.say("the event's detail is gone, and nothing tells of its erasure", place, name)
        if self.excerpt:
            told, self.checkpoints = self.excerpt, {}
            if (self.at, self.blocks, self.events) != (told["last"], told["blocks"], told["events"]):
                self.say("the excerpt does not end where it says that it ends")
        for organization, chain, number in sorted(self.checkpoints):
            if organization == self.organization:
                self.chain, self.cut = chain, True
                self.say(f"block {number} is cut off: a checkpoint outside the database tells of it")


def checkpoints_in(path, keys):
    """The head after each block that the file tells of. A last line without its end is passed over."""
    found = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            value = read_line(line, number)
            if set(value) != {"block", "signature"} or not vouched(keys, value["block"], unhex(value["signature"])):
                raise Unreadable(f"checkpoint {number}: its signature does not hold")
            block = value["block"]
            own = block["organization"], block["chain"], block["number"]
            if found.setdefault(own, block["head"]) != block["head"]:
                raise Unreadable(f"block {own[2]} of chain {own[1]} is told of twice, and differently")
    return found


def verify(export, keys, checkpoints=None):
    """Read an export; the reading says what was wrong. Raises Unreadable for a line that is none of an export."""
    reading, number = Reading(keys, dict(checkpoints or {})), 0
    for number, line in enumerate(export, 1):
        try:
            reading.take(read_line(line, number), number)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable(f"line {number}: it does not hold what such a line holds ({error})") from None
    if not number:
        raise Unreadable("the export is empty")
    reading.end()
    return reading


# ---------------------------------------------------------------- evidence
def zipped(members):
    """An archive in the one way in which evidence is written."""
    out, directory, count = bytearray(), bytearray(), len(members)
    for name, data in members:
        told, size = name.encode(), len(data)
        common = struct.pack("<HHHHIIIHH", 0x800, 0, 0, 0x21, zlib.crc32(data), size, size, len(told), 0)
        central = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(out))
        directory += struct.pack("<IHH", 0x02014B50, 0x0314, 20) + common + central + told
        out += struct.pack("<IH", 0x04034B50, 20) + common + told + data
    return out + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(out), 0)


def verify_evidence(data, keys, checkpoints=None):
    """What an archive says of itself, and the reading of its part of the record. Raises Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = archive.infolist()
            if any(one.compress_type for one in inside) or sum(one.file_size for one in inside) > len(data):
                raise Unreadable("it is not unpacked: evidence is not compressed, and more cannot come out of it")
            listed = [(one.filename, archive.read(one)) for one in inside]
            again = zipped(listed)
    except Exception:  # whatever a library makes of a broken archive
        raise Unreadable("this is no archive of evidence") from None
    if len(members := dict(listed)) != len(listed) or again != data:
        raise Unreadable("the archive is not written as one of evidence is")
    manifest, signature = members.pop("manifest.json", b""), members.pop("manifest.sig", b"")
    try:
        told = read_line(manifest, 1)
        kid, named, made = told["kid"], told["members"], unhex(signature.decode()[:-1])
        known = told["format"] == "countersign-evidence-1" and signature == made.hex().encode() + b"\n"
        held = known and kid in keys and signed_by(keys[kid], made, b"countersign-evidence-1\n" + manifest)
    except (KeyError, TypeError, ValueError):
        raise Unreadable("manifest.json: not in a form that is known") from None
    if not held:
        raise Unreadable("manifest.json: not signed by a key that is known")
    for name in sorted(set(named) | set(members)):
        content = members.get(name, b"")
        if named.get(name) != {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}:
            raise Unreadable(f"{name}: it is missing, was changed, or nobody signed for it")
    if not {"record.jsonl", "README.txt"} <= set(members) or not isinstance(told.get("organization"), str):
        raise Unreadable("record.jsonl: it is missing, or the list does not say whose evidence it is")
    record = members["record.jsonl"].splitlines(keepends=True)
    reading = verify(record, keys, checkpoints) if record else Reading(keys, {})
    if record and reading.organization != told["organization"]:
        reading.say("the record of another organization")
    return members["README.txt"].decode().split("\nHow to check")[0] + "\n", reading


def plain(text):  # a file's words may be anybody's: they move no cursor and begin no line of their own
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def main():
    parser = argparse.ArgumentParser(description="Verify an export of Countersign's record, or evidence.")
    for name in ("export", "--key", "--checkpoints"):
        parser.add_argument(name)
    parser.add_argument("key_file", nargs="?", metavar="key")
    given = parser.parse_args()
    if not (given.key or given.key_file):
        parser.error("--key is needed: the public key of the seal")
    try:
        keys, told = keys_in(given.key or given.key_file), ""
        checkpoints = checkpoints_in(given.checkpoints, keys) if given.checkpoints else {}
        with open(given.export, "rb") as file:
            if file.peek(4)[:4] == b"PK\3\4":
                told, reading = verify_evidence(file.read(), keys, checkpoints)
            else:
                reading = verify(file, keys, checkpoints)
    except Unreadable as error:
        print(f"NOT INTACT. {plain(str(error))}")
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    for text in [*reading.wrong[:100], *told.split("\n")[:-1]]:
        print(plain(text))
    if reading.cut:
        print("Its end is cut off, or the export is older than the newest checkpoint: take those kept beside it.")
    said = f"NOT INTACT: {len(reading.wrong)} problems in" if reading.wrong else "Intact:"
    print(said, f"{reading.events} events in {reading.blocks} blocks")
    return 1 if reading.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
