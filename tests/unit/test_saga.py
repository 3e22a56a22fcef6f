"""The plan of an undo: which calls, with which arguments, in which order; or why not."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from tools.contract import Contract, Idempotency, Tier
from tools.saga import Effect, derived, gaps, plan, undoing_of

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


ANSWER = {"properties": {"booking": {"anyOf": [{"properties": {"id": {"type": "string"}}}, {"type": "null"}]}}}
CANCEL = replace(
    BOOK,
    name="cancel",
    arguments_schema={"type": "object", "properties": {"booking": {"type": "string"}}, "required": ["booking"]},
    reversible=False,
    inverse=None,
)


def described(arguments: Any = None, result: Any = None, **said: Any) -> Contract:
    inverse = {"arguments": {"booking": "booking.id"} if arguments is None else arguments, **said}
    return replace(BOOK, result_schema=ANSWER if result is None else result, binding={"inverse": inverse})


def test_a_call_whose_answer_is_described_with_what_the_inverse_asks_for_has_no_gap() -> None:
    assert gaps(described(), CANCEL) == []


def test_of_an_answer_that_nobody_described_nothing_is_known_beforehand() -> None:
    assert gaps(replace(described(), result_schema=None), CANCEL) == []
    assert gaps(replace(described({}, body="booking"), result_schema=None), CANCEL) == []


@pytest.mark.parametrize("source", ["booking.number", "id", "/arguments/guest", "/elsewhere", "booking.id.0"])
def test_a_field_that_is_nowhere_described_is_a_gap(source: str) -> None:
    (gap,) = gaps(described({"booking": source}), CANCEL)
    assert gap == f"nothing that it takes or answers is described as {source}, where booking is to come from"


def test_what_the_inverse_asks_for_and_nothing_gives_is_a_gap() -> None:
    assert gaps(described({}), CANCEL) == ["cancel asks for booking, and nothing says where that comes from"]


def test_a_tool_that_does_not_say_with_which_arguments_has_a_gap() -> None:
    assert gaps(replace(BOOK, binding={}), CANCEL) == ["it does not say with which arguments"]


def test_a_body_gives_all_that_its_description_names() -> None:
    kept = {"properties": {"before": {"properties": {"booking": {"type": "string"}}}}}
    assert gaps(described({}, kept, body="before"), CANCEL) == []
    assert gaps(described({}, kept, body="after"), CANCEL) == ["nothing that it answers is described as after"]


def test_items_of_a_list_are_described_by_their_number() -> None:
    many = {"properties": {"bookings": {"type": "array", "items": {"properties": {"id": {"type": "string"}}}}}}
    assert gaps(described({"booking": "bookings.0.id"}, many), CANCEL) == []
