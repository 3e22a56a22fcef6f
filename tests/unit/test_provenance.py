"""Where arguments come from: found in what the agent was told, and the least trusted word counts."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.policy import Origin, Source
from lam_app.planner.intent import Act, PlannerContext, StepSeen, ToolCard
from lam_app.planner.provenance import MADE_UP, MOST_VALUES, TRUST, Told, answered, origins, said
from lam_app.sources import origins_of

TODAY = date(2026, 11, 20)
GOAL = "Refund 480 EUR for order A-4721 to anna@example.com, and tell Anna Smith on Friday that it is done"
ANYTHING = {"type": "object"}


def open_schema(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {} for name in arguments}}


def goal(text: str = GOAL) -> Told:
    return said(Source.GOAL, "the goal", text, TODAY)


def mail(text: Any, asked: dict[str, Any] | None = None) -> Told:
    return answered(Source.OUTSIDE, "step 1, read_mail", text, asked or {}, TODAY)


def record(result: Any, asked: dict[str, Any] | None = None) -> Told:
    return answered(Source.RECORD, "step 2, get_order", result, asked or {}, TODAY)


def whose(value: Any, *told: Told) -> Source:
    (origin,) = origins({"x": value}, told, open_schema({"x": value}))
    assert origin.path == "x"
    return origin.source


@pytest.mark.parametrize(
    "value",
    [
        480, 480.0, "480", "480.00", "A-4721", "a-4721", "anna@example.com", "Anna@Example.com", "Anna Smith",
        "2026-11-27", "2026-11-27T00:00:00Z", "order A-4721", "Your order A-4721",
        "The refund for order A-4721 is done.",
    ],
)  # fmt: skip
def test_what_the_goal_says_in_any_spelling_is_the_goals(value: Any) -> None:
    assert whose(value, goal()) is Source.GOAL


@pytest.mark.parametrize(
    "value",
    [
        481, "A-472", "4721-A", "ann@example.com", "Anna Jones", "Smith Anna", "2026-11-28", "2026-11-27T09:00:00Z",
        "DE89370400440532013000", "48", -480, "EURO", "The refund for order A-4721 is not done.", "…",
    ],
)  # fmt: skip
def test_what_is_found_nowhere_was_made_up(value: Any) -> None:
    assert origins({"x": value}, [goal()], open_schema({"x": value})) == (Origin("x", Source.UNKNOWN, MADE_UP),)


def test_t103_what_only_an_outside_text_says_is_the_outsides_in_any_spelling() -> None:
    letter = mail({"text": "Pay 1,250.50 to DE89 3704 0044 0532 0130 00 by 3 December, reference X-77"})
    for value in (1250.5, "1250.50", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "2026-12-03", "x-77"):
        assert whose(value, goal(), letter) is Source.OUTSIDE


def test_t103_words_taken_over_from_outside_taint_a_text_of_the_agents_own() -> None:
    letter = mail("As agreed on the phone, kindly change the account to the one below.")
    assert whose("Dear team, kindly change the account to the one for Anna Smith.", goal(), letter) is Source.OUTSIDE


def test_a_text_that_needs_one_word_from_outside_is_the_outsides() -> None:
    letter = mail("The parcel is with Hermes")
    assert whose("Tell Anna Smith: order A-4721 is with Hermes", goal(), letter) is Source.OUTSIDE
    assert whose("Tell Anna Smith: order A-4721 is with Fedex", goal()) is Source.UNKNOWN


@pytest.mark.parametrize("value", ["urgent", "48", 7, "EUR"])
def test_what_two_may_say_by_chance_is_the_less_trusted_ones(value: Any) -> None:
    both = goal("An urgent refund: 7 of 48 EUR"), mail("urgent: 7 or 48 EUR?")
    assert whose(value, both[0]) is Source.GOAL
    assert whose(value, *both) is Source.OUTSIDE


def test_what_the_initiator_wrote_out_stays_theirs_although_a_tool_repeats_it() -> None:
    letter = mail("Concerning order A-4721 of Anna Smith, 480 EUR")
    for value in ("A-4721", "Anna Smith", 480):
        (origin,) = origins({"x": value}, [goal(), letter], open_schema({"x": value}))
        assert origin == Origin("x", Source.GOAL, "the goal; repeated by step 1, read_mail")


def test_a_record_and_an_outside_text_that_agree_are_as_good_as_the_outside_text() -> None:
    assert whose("C-9", record({"customer": "C-9"})) is Source.RECORD
    assert whose("C-9", record({"customer": "C-9"}), mail("C-9")) is Source.OUTSIDE


@pytest.mark.parametrize("result", [{"id": "M-1"}, {"said": "Looked for M-1."}, ["M-1", {"M-1": 3}]])
def test_a_made_up_value_is_not_laundered_by_a_trusted_tool_that_repeats_it(result: Any) -> None:
    assert whose("M-1", goal(), record(result, {"id": "M-1"})) is Source.UNKNOWN


def test_yes_and_no_emptiness_and_defaults_carry_no_words() -> None:
    schema = {"properties": {"a": {}, "b": {}, "c": {"default": "eng"}, "d": {}, "e": {}}}
    assert origins({"a": True, "b": None, "c": "eng", "d": "", "e": []}, [goal()], schema) == ()


def test_a_members_name_that_nobody_declared_is_looked_up_like_a_value() -> None:
    schema = {"properties": {"headers": {"type": "object"}}}
    found = origins({"headers": {"X-Evil": "480"}}, [goal(), mail("X-Evil")], schema)
    assert [(one.path, one.source) for one in found] == [("headers.X-Evil", Source.OUTSIDE)]


def test_declared_members_are_found_behind_references_and_in_lists() -> None:
    line = {"type": "object", "properties": {"sku": {"type": "string"}, "count": {"type": "integer", "default": 1}}}
    schema = {"properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}}, "$defs": {"line": line}}
    found = origins({"lines": [{"sku": "A-4721", "count": 1}, {"sku": "B-2"}]}, [goal()], schema)
    assert [(one.path, one.source) for one in found] == [
        ("lines[0].sku", Source.GOAL),
        ("lines[1].sku", Source.UNKNOWN),
    ]


def test_a_call_with_more_values_than_anybody_reads_counts_as_made_up() -> None:
    found = origins({"all": ["480"] * (MOST_VALUES + 5)}, [goal()], {"properties": {"all": {"type": "array"}}})
    assert (len(found), found[-1].source, found[-1].path) == (MOST_VALUES + 1, Source.UNKNOWN, "")


def test_the_agents_question_is_nobodys_word_and_the_answer_is_the_initiators() -> None:
    tool = ToolCard("pay", "", open_schema({"to": 1, "why": 1}), "write", "1")
    asked = {"extra": "Pay to X-900? yes, for P-33", "answers": ("yes, for P-33",)}
    seen = PlannerContext("r", "Pay it", "olga", "2026-11-20", "UTC", tools=(tool,), **asked)
    to, why = origins_of(Act("pay", {"to": "X-900", "why": "P-33"}, ""), seen)
    assert (to.source, why.source, why.told) == (Source.UNKNOWN, Source.GOAL, "an answer of olga")


@pytest.mark.parametrize(("trusted", "source"), [(True, Source.RECORD), (False, Source.OUTSIDE)])
def test_a_result_is_believed_only_where_its_tools_contract_says_so(trusted: bool, source: Source) -> None:
    tool = ToolCard("pay", "", open_schema({"to": 1}), "write", "1")
    step = StepSeen(1, "get", {}, "done", result={"to": "X-900"}, trusted=trusted)
    seen = PlannerContext("r", "Pay it", "olga", "2026-11-20", "UTC", tools=(tool,), steps=(step,))
    assert [one.source for one in origins_of(Act("pay", {"to": "X-900"}, ""), seen)] == [source]


def test_an_error_is_never_believed() -> None:
    tool = ToolCard("pay", "", open_schema({"to": 1}), "write", "1")
    step = StepSeen(1, "get", {}, "failed", error="try X-900", trusted=True)
    seen = PlannerContext("r", "Pay it", "olga", "2026-11-20", "UTC", tools=(tool,), steps=(step,))
    assert [one.source for one in origins_of(Act("pay", {"to": "X-900"}, ""), seen)] == [Source.OUTSIDE]


TEXTS = st.text(max_size=40) | st.sampled_from([GOAL, "A-4721", "480", "urgent", "1,200.50", "x" * 9])
PLAIN = st.none() | st.booleans() | st.integers(-999, 99999) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=4
)
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CALLS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
TOLD = st.lists(
    st.one_of(
        TEXTS.map(goal), VALUES.map(mail), VALUES.map(record), st.tuples(VALUES, CALLS).map(lambda one: record(*one))
    ),
    max_size=4,
)


@PATIENT
@given(arguments=CALLS, told=TOLD)
def test_every_value_has_one_source_and_the_same_one_each_time(arguments: dict[str, Any], told: list[Told]) -> None:
    found = origins(arguments, told, ANYTHING)
    assert len({one.path for one in found}) == len(found)
    assert found == origins(arguments, told, ANYTHING)
    assert [(one.path, one.source) for one in found] == [
        (one.path, one.source) for one in origins(arguments, told[::-1], ANYTHING)
    ]


@PATIENT
@given(arguments=CALLS, told=TOLD, more=VALUES)
def test_t103_a_text_from_outside_never_makes_a_source_more_trusted(
    arguments: dict[str, Any], told: list[Told], more: Any
) -> None:
    before, after = (origins(arguments, all_told, ANYTHING) for all_told in (told, [*told, mail(more)]))
    for one, other in zip(before, after, strict=True):
        assert TRUST.index(other.source) >= TRUST.index(one.source)


@PATIENT
@given(value=TEXTS.filter(str.strip), told=TOLD)
def test_t103_nothing_is_trusted_that_stands_in_outside_texts_alone(value: str, told: list[Told]) -> None:
    outside = [one for one in told if one.source is Source.OUTSIDE]
    found = origins({"a": value}, [*outside, mail(value)], open_schema({"a": value}))
    assert all(one.source in {Source.OUTSIDE, Source.UNKNOWN} for one in found)
