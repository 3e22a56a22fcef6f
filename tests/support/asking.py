"""Being the sealer for what pages ask for: with its account's rights, until nothing is left to do."""

from __future__ import annotations

from typing import Any

from lam_app.sealing import working
from tests.support.racing import acting_as
from tests.support.sealing import Seal


def work_off(seal: Seal, *, passes: bool = True) -> None:
    """Seal what there is, and work off what is asked."""
    if passes:
        seal.passes()
    with acting_as("worker"):
        work = working(seal.key, seal.public, seal.outside)
        while work.go_on(30):
            pass


def file_of(page: Any, inquiry: Any) -> bytes:
    """What a person downloads."""
    answer = page.get(f"/audit/files/{inquiry.pk}/")
    assert answer.status_code == 200, answer.status_code
    data = b"".join(answer.streaming_content)
    assert len(data) == int(answer["Content-Length"])
    return data
