"""Images told by their bytes: PNG and JPEG, whole, with nothing behind their end, and not too large. Pure.

They are never decoded here: what a picture shows is between the model and whoever opens it.
"""

import struct
from typing import Final

from lam_app.attachments.exceptions import AttachmentRefused

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8\xff"
MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 12_000
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers of a JPEG that nothing belongs to."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9


def media_of(data: bytes) -> str | None:
    """``image/png``, ``image/jpeg``, or None for anything else."""
    if data.startswith(PNG):
        return "image/png"
    return "image/jpeg" if data.startswith(JPEG) else None


def notes_of(data: bytes, media: str) -> list[str]:
    """The image's size in a sentence. Raises AttachmentRefused for one that is broken, too large, or not alone."""
    try:
        wide, high, end = _png(data) if media == "image/png" else _jpeg(data)
    except (struct.error, IndexError):
        raise AttachmentRefused("is an image that is cut off.") from None
    if not (0 < wide <= LONGEST_SIDE and 0 < high <= LONGEST_SIDE and wide * high <= MOST_PIXELS):
        raise AttachmentRefused(f"has {wide:,} × {high:,} pixels, which is too many or none.")
    if data[end:].strip(b"\0\r\n "):
        raise AttachmentRefused("is an image with something else behind its end. Save it again as an image alone.")
    return [f"An image of {wide:,} × {high:,} pixels."]


def _png(data: bytes) -> tuple[int, int, int]:
    """Width, height, and where the last chunk ends."""
    at, size = len(PNG), None
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise AttachmentRefused("is an image that does not begin as one.")
            size = struct.unpack_from(">II", data, at + 8)
        at += 12 + length
        if at > len(data):
            raise IndexError
        if kind == b"IEND":
            return *size, at


def _jpeg(data: bytes) -> tuple[int, int, int]:
    """Width, height, and where the image ends."""
    at, size = 2, (0, 0)
    while True:
        if data[at] != 0xFF:
            raise AttachmentRefused("is an image that is broken inside.")
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker == _END:
            return *size, at
        if marker in _ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _FRAMES:
            high, wide = struct.unpack_from(">HH", data, at + 3)
            size = (wide, high)
        at += length
        if marker == _SCAN:
            at = _behind_scan(data, at)


def _behind_scan(data: bytes, at: int) -> int:
    """Where the next marker stands behind coded pixels, in which 0xFF is followed by nothing, or by a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError
        following = data[at + 1]
        if following != 0x00 and following not in _ALONE and following != 0xFF:
            return at
        at += 1 if following == 0xFF else 2
