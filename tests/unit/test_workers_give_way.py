"""What works stands back behind the pages: a stop has to be answered while every processor is busy with claims."""

from __future__ import annotations

from typing import Any

import pytest

from lam_app.supervisor import roles


@pytest.mark.parametrize("role", roles.QUEUES)
def test_t110_a_worker_gives_way_before_it_takes_its_first_message(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[str] = []

    class Started:
        def __init__(self, **_: Any) -> None:
            came.append("made")

        def start(self) -> None:
            came.append("started")

    monkeypatch.setattr("lam_app.celery.app.Worker", Started)
    monkeypatch.setattr(roles.os, "nice", lambda steps: came.append(f"nice {steps}"))
    roles.worker(role, {}, lambda: None)
    assert came == [f"nice {roles.BEHIND}", "made", "started"]
    assert roles.BEHIND > 0
