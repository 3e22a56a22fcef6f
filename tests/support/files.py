"""Files as people and intruders attach them: small ones of every kind, and those that are not what they seem."""

from __future__ import annotations

import struct
import zlib

TABLE = b"order,customer,day\n1009,ada@example.com,Friday\n1010,bob@example.com,Monday\n"
NOTE = b"Please call the customer back on Monday."


def pdf(text: str = "Order 1009 is delayed until Friday.", *, stream: bytes | None = None, more: str = "") -> bytes:
    """A document of one page with this text, or with this stream, deflated, in its place."""
    shown = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    content = zlib.compress(stream if stream is not None else f"BT /F1 12 Tf 72 720 Td ({shown}) Tj ET".encode())
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {more} >>".encode(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    whole, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(whole)
    return whole + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def png(wide: int = 2, high: int = 2, *, said: tuple[int, int] | None = None) -> bytes:
    """An image of this size; ``said`` is the size that its head names instead."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", *(said or (wide, high)), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + b"\x80\x20\x20" * wide for _ in range(high)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg(wide: int = 2, high: int = 2) -> bytes:
    """An image as far as its markers go; the pixels are not real."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, high, wide, 1) + b"\x01\x11\x00"
    scan = b"\xff\xda" + struct.pack(">H", 8) + b"\x01\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9 + frame + scan + b"\xff\xd9"
