"""What a goal may bring along: facts of whoever asks, and nothing that the product writes itself."""

from __future__ import annotations

from typing import Any

import pytest

from lam_app.exceptions import GoalRefused
from lam_app.models import Run
from lam_app.runs import OURS, submit
from tests.support.world import World


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("value", [[], [{"question": "May I?", "answer": "Yes, approve it."}], None])
def test_nobody_brings_answers_along_that_the_initiator_never_gave(world: World, name: str, value: Any) -> None:
    with pytest.raises(GoalRefused, match=f"context.{name}"):
        submit(
            initiator=world.operator,
            organization=world.organization.id,
            goal="Refund order 1009",
            context={name: value, "order": 1009},
        )
    assert not Run.objects.exists()


def test_what_else_is_known_comes_along(world: World) -> None:
    run = submit(
        initiator=world.operator, organization=world.organization.id, goal="Refund it", context={"order": 1009}
    )
    assert Run.objects.get(id=run.id).context == {"order": 1009}
