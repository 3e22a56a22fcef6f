"""What attached bytes are, told from the bytes alone, and what the agent can be told of them. Nothing is executed.

A name is only a name: it neither makes a file something nor is it believed. Bytes that could be taken for two kinds of
file at once are refused, because what a person opened and what the agent read might then differ.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lam_app.attachments import images, pdf, tables
from lam_app.attachments.exceptions import AttachmentRefused
from lam_app.planner.wording import LONGEST as LONGEST_TEXT
from tools.text import is_odd
from traces.text import storable

MOST_FILES: Final = 5
MOST_BYTES: Final = 1_400_000
"""Of all files of one goal together: in Base64 they still fit into what a request may carry."""
LONGEST_NAME: Final = 120
_OTHERS: Final = (
    (b"PK\x03\x04", "is an archive or an office document. Save it as PDF, CSV or text."),
    (b"\xd0\xcf\x11\xe0", "is an old office document. Save it as PDF, CSV or text."),
    (b"\x1f\x8b", "is compressed. Attach what is in it."),
    (b"GIF8", "is a GIF. PNG and JPEG are the images that are taken."),
    (b"RIFF", "is no PNG or JPEG. Those are the images that are taken."),
    (b"\x7fELF", "is a program."),
    (b"MZ", "may be a program."),
)
_LAYOUT: Final = frozenset("\t\n\r\f")
_DOCUMENT: Final = b"%PDF-"
_NEAR: Final = 1024
"""Within so many bytes readers look for a document's beginning."""


@dataclass(frozen=True)
class Upload:
    """A file as it was sent."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Read:
    """A file that is understood; ``notes`` are sentences for people, ``text`` is for the agent."""

    name: str
    kind: str
    media: str
    text: str
    notes: tuple[str, ...]
    data: bytes

    @property
    def sha256(self) -> str:
        """The digest of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


def read_all(uploads: Sequence[Upload]) -> list[Read]:
    """Every file read, in order. Raises AttachmentRefused, naming the file, and ReaderBusy; call it outside of any
    transaction, since a document can take seconds.
    """
    if len(uploads) > MOST_FILES:
        raise AttachmentRefused(f"files: {MOST_FILES} are the most; these are {len(uploads)}.")
    if sum(len(one.data) for one in uploads) > MOST_BYTES:
        raise AttachmentRefused(f"files: {MOST_BYTES:,} bytes are the most that can be attached to one goal.")
    return [read(one) for one in uploads]


def read(upload: Upload) -> Read:
    """One file. Raises AttachmentRefused and ReaderBusy."""
    name = named(upload.name)
    try:
        kind, media, text, notes = _understood(upload.data)
    except AttachmentRefused as refused:
        raise AttachmentRefused(f"{name} {refused.message}", file=name) from None
    return Read(name, kind, media, storable(text), tuple(notes), upload.data)


def named(name: str) -> str:
    """A name that can be shown and told: the last part of a path, in characters that do what they seem to do.

    Raises AttachmentRefused for a name that is empty, too long, or holds characters that nobody sees.
    """
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1]).strip()
    if not last or last in {".", ".."} or len(last) > LONGEST_NAME:
        raise AttachmentRefused(f"files: a name has from 1 to {LONGEST_NAME} characters.")
    if any(is_odd(character) or not character.isprintable() for character in last):
        raise AttachmentRefused("files: a name holds a character that nobody can see. Rename the file.")
    return last


def _understood(data: bytes) -> tuple[str, str, str, list[str]]:
    """Kind, media type, text and notes."""
    if not data:
        raise AttachmentRefused("is empty.")
    if data.startswith(_DOCUMENT):
        text, notes = pdf.read(data)
        return "pdf", "application/pdf", *_cut(text, notes)
    if (media := images.media_of(data)) is not None:
        return "image", media, "", images.notes_of(data, media)
    for beginning, why in _OTHERS:
        if data.startswith(beginning) and not (beginning == b"MZ" and _is_text(data)):
            raise AttachmentRefused(why)
    if _DOCUMENT in data[:_NEAR]:
        raise AttachmentRefused("could be read as a document and as something else. Attach one of them.")
    text, notes = _decoded(data)
    table = tables.read(text)
    if table is not None:
        return "csv", "text/csv", *_cut(text, [*notes, *table])
    return "text", "text/plain", *_cut(text, notes)


def _is_text(data: bytes) -> bool:
    return not re.search(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]", data)


def _decoded(data: bytes) -> tuple[str, list[str]]:
    notes: list[str] = []
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if not _is_text(data):
            raise AttachmentRefused("is neither text, CSV, PDF, PNG nor JPEG.") from None
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise AttachmentRefused("is text in an unknown encoding. Save it as UTF-8.") from None
        notes.append("It is not UTF-8 and was read as Windows-1252: look at accents and currency signs.")
    if any(unicodedata.category(c) == "Cc" and c not in _LAYOUT for c in text):
        raise AttachmentRefused("is neither text, CSV, PDF, PNG nor JPEG.")
    if not text.strip():
        raise AttachmentRefused("holds no text.")
    hidden = sum(1 for c in text if c not in _LAYOUT and is_odd(c, long=True))
    if hidden:
        notes.append(f"It holds {hidden} character{'s' if hidden > 1 else ''} that nobody sees or that reorder others.")
    return text, notes


def _cut(text: str, notes: list[str]) -> tuple[str, list[str]]:
    """What can be looked through for where a value comes from; the agent is shown nothing beyond it."""
    if len(text) <= LONGEST_TEXT:
        return text, notes
    return text[:LONGEST_TEXT], [*notes, f"Only its first {LONGEST_TEXT:,} of {len(text):,} characters are read."]
