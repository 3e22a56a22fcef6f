"""The text of a document, read by a process of its own that has no environment, little memory and little time.

The format lets a file ask for gigabytes out of a kilobyte and for loops without an end. Whatever it does, it does to
that process: this one waits for a bounded time and reads a bounded answer.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from lam_app.attachments.exceptions import AttachmentRefused, ReaderBusy

CHILD: Final = Path(__file__).with_name("pdf_child.py")
MOST_SECONDS: Final = 15.0
LARGEST_ANSWER: Final = 4_000_000
AT_ONCE: Final = 2
"""Documents that one process has read at the same time."""
WAIT_SECONDS: Final = 5.0
_places = threading.BoundedSemaphore(AT_ONCE)
WHY: Final = {
    "broken": "is a document that cannot be read.",
    "locked": "is locked with a password. Attach it without one.",
    "pages": "has too many pages.",
    "behind": "is a document with something else behind its end. Save it again as a document alone.",
    "large": "unfolds into more than can be read.",
}


def read(data: bytes) -> tuple[str, list[str]]:
    """A document's text, and what to know of it. Raises AttachmentRefused and ReaderBusy."""
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise ReaderBusy
    try:
        found = _asked(data)
    finally:
        _places.release()
    if why := found.get("why"):
        raise AttachmentRefused(WHY.get(str(why), WHY["broken"]))
    text, pages = str(found["text"]), int(found["pages"])
    notes = [f"A document of {pages} page{'s' if pages != 1 else ''}."]
    if found.get("cut"):
        notes.append("Only the beginning of its text is read.")
    if not text.strip():
        notes.append("No text could be read in it. It may be a scan; the agent sees nothing of it.")
    if found.get("acts"):
        notes.append("It holds scripts or actions. Nothing here runs them; a program that opens it may.")
    return text, notes


def _asked(data: bytes) -> dict[str, Any]:
    """What the process says of the document."""
    # -I: neither the environment nor the current directory can name a module to it.
    child = subprocess.Popen(
        [sys.executable, "-I", str(CHILD)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={}, cwd="/", start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = child.communicate(data, timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        return {"why": "large"}
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    if child.returncode != 0 or len(said) > LARGEST_ANSWER:
        return {"why": "large" if child.returncode else "broken"}
    try:
        found = json.loads(said)
    except ValueError:
        return {"why": "broken"}
    return found if isinstance(found, dict) else {"why": "broken"}
