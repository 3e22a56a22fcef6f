"""The plan of an undo: which calls, with which arguments, in which order; or why not."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from tools.contract import Contract, Idempotency, Tier
from tools.saga import Effect, derived, plan, undoing_of

BOOK = Contract(
    name="book",
    title="Book",
    description="Books.",
    arguments_schema={"type": "object", "properties": {}},
    tier=Tier.WRITE,
    idempotency=Idempotency.neither(),
    summary="Book",
    consent="Book",
    connector="python",
    binding={"tool": "book", "inverse": {"arguments": {"booking": "booking.id"}}},
    reversible=True,
    inverse="cancel",
)


def effect(step: int = 1, result: Any = None, **changes: Any) -> Effect:
    contract = replace(BOOK, **changes)
    answer = {"booking": {"id": f"B-{step}"}} if result is None else result
    return Effect(uuid.UUID(int=step), step, f"Book {step}", contract, {"guest": "Ines"}, answer)


def test_the_last_effect_is_taken_back_first() -> None:
    undoings = plan([effect(1), effect(3), effect(2)])
    assert [(one.effect.step, one.tool, one.arguments) for one in undoings] == [
        (3, "cancel", {"booking": "B-3"}),
        (2, "cancel", {"booking": "B-2"}),
        (1, "cancel", {"booking": "B-1"}),
    ]


def test_what_only_read_has_nothing_to_take_back() -> None:
    assert plan([effect(1, tier=Tier.READ, reversible=False, inverse=None)]) == []


def test_a_step_without_an_inverse_is_in_the_plan_and_says_that_it_stays() -> None:
    (one,) = plan([effect(1, reversible=False, inverse=None)])
    assert not one.possible
    assert one.why_not == "book cannot be undone."


@pytest.mark.parametrize("result", [{}, {"booking": None}, {"booking": {}}, {"booking": {"id": None}}, [], "B-1", 7])
def test_an_answer_without_the_field_makes_no_call_with_a_hole_in_it(result: Any) -> None:
    one = undoing_of(effect(1, result=result))
    assert (one.possible, one.arguments) == (False, None)
    assert "does not say booking" in one.why_not


def test_arguments_come_from_the_answer_the_call_or_a_whole_body() -> None:
    contract = replace(
        BOOK,
        binding={
            "inverse": {"body": "before", "arguments": {"guest": "/arguments/guest", "id": "/result/list/1/a~1b"}}
        },
    )
    answer = {"before": {"colour": "red", "id": "old"}, "list": [{}, {"a/b": "X"}]}
    assert derived(contract, {"guest": "Ines"}, answer) == {"colour": "red", "guest": "Ines", "id": "X"}


def test_a_body_that_is_none_is_said() -> None:
    contract = replace(BOOK, binding={"inverse": {"body": "before"}})
    with pytest.raises(LookupError, match="no fields at before"):
        derived(contract, {}, {"before": "red"})


def test_a_tool_that_does_not_say_with_which_arguments_is_not_guessed_at() -> None:
    one = undoing_of(effect(1, binding={"tool": "book"}))
    assert one.why_not == "book is undone by cancel, but the tool does not say with which arguments."
