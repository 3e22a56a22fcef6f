"""Reads one document from its input and says its text as JSON: a program, run alone by `pdf` and imported by nobody.

Its limits are set before the first byte of the document is looked at, and a process cannot raise them again.
"""

import io
import json
import resource
import sys
from typing import Any

MEMORY = 600_000_000
SECONDS = 10
MOST_PAGES = 300
LONGEST = 300_000
"""Characters of text after which it stops."""
ACTING = ("/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA", "/EmbeddedFiles")


def bound() -> None:
    """Little memory, little time, no file written and hardly one opened."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def read(data: bytes) -> dict[str, Any]:
    """The answer for a document: its text and pages, or why there is none."""
    import pypdf
    from pypdf.errors import LimitReachedError

    end = data.rfind(b"%%EOF")
    if end >= 0 and data[end + 5 :].strip(b"\0\r\n\t "):
        return {"why": "behind"}
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            return {"why": "locked"}
        pages = len(reader.pages)
        if pages > MOST_PAGES:
            return {"why": "pages"}
        text, cut = "", False
        for page in reader.pages:
            text += page.extract_text() + "\n"
            if len(text) > LONGEST:
                text, cut = text[:LONGEST], True
                break
    except (MemoryError, RecursionError, LimitReachedError):
        return {"why": "large"}
    except Exception:
        return {"why": "broken"}
    acts = any(word.encode() in data for word in ACTING)
    return {"pages": pages, "text": text, "cut": cut, "acts": acts}


def main() -> None:
    """Read, and say it."""
    bound()
    data = sys.stdin.buffer.read()
    json.dump(read(data), sys.stdout)


if __name__ == "__main__":
    main()
