"""T92: what is remembered of a model call does not grow with what somebody sends: it is cut and hashed."""

import hashlib
import uuid

import pytest

from tests.support.world import World
from traces.calls import LONGEST, ModelCall, remember
from traces.models import PromptPart, Trace


def call(world: World, text: str) -> Trace:
    made = remember(
        ModelCall(
            organization=world.organization.id, run=uuid.uuid4(), step=1, attempt=1, model="m",
            prompt=[("user", text)], answer=text, reasoning=text, schema_digest="sha256:0", latency_ms=1,
        )
    )  # fmt: skip
    return Trace.objects.get(pk=made)


def test_t92_a_text_of_a_million_characters_is_cut_and_hashed_as_a_whole(world: World) -> None:
    text = "long words " * 100_000
    kept = call(world, text)
    whole = hashlib.sha256(text.encode()).hexdigest()
    for found in (kept.answer, kept.reasoning, PromptPart.objects.get(pk=kept.parts[0]).content):
        assert found[:LONGEST] == text[:LONGEST]
        assert found.endswith(f"[{len(text)} characters, sha256:{whole}]")
        assert len(found) < LONGEST + 120


@pytest.mark.parametrize("length", [1, LONGEST])
def test_t92_what_is_short_enough_is_kept_as_it_is(length: int, world: World) -> None:
    assert call(world, "x" * length).answer == "x" * length


def test_t92_two_texts_that_differ_behind_the_cut_are_two(world: World) -> None:
    first, second = (call(world, "x" * LONGEST + more) for more in ("one", "two"))
    assert first.parts != second.parts
