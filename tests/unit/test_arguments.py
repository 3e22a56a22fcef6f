"""Arguments become definite before anybody sees them, and every misfit is named at once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from tests.support.arguments import MESSAGE, an_object, one, problems
from tools.arguments import ArgumentsRefused, Normalised, normalise
from tools.schemas import lint
from traces.canonical import LARGEST


def test_defaults_are_filled_in_and_told() -> None:
    found = normalise(MESSAGE, {"to": "ann@example.org", "body": "Hello"})
    assert found.arguments == {"to": "ann@example.org", "body": "Hello", "copies": 1, "urgency": "low"}
    assert [(change.path, change.what) for change in found.changes] == [
        ("copies", "default filled in"),
        ("urgency", "default filled in"),
    ]


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    found = problems(
        MESSAGE,
        {"to": "ann", "copies": 9, "tags": ["ok", "x" * 11], "urgency": "huge", "bcc": "eve@example.org"},
        at="arguments",
    )
    assert found == {
        "arguments.to": "is not a valid email",
        "arguments.body": "is missing",
        "arguments.copies": "is 9; the most is 5",
        "arguments.tags[1]": "has 11 characters; the limit is 10",
        "arguments.urgency": "must be one of low, high",
        "arguments.bcc": "is not a field here",
    }


@pytest.mark.parametrize("arguments", [None, [], "x", 3])
def test_arguments_are_an_object(arguments: Any) -> None:
    assert problems(MESSAGE, arguments, at="arguments") == {"arguments": "must be an object"}


def test_a_refusal_is_a_problem_document_in_waiting() -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        normalise(MESSAGE, {"to": "ann@example.org"})
    assert (refused.value.http_status, refused.value.code) == (422, "schema_invalid")
    assert refused.value.extra == {"problems": [{"path": "body", "message": "is missing"}]}


@pytest.mark.parametrize(
    ("kind", "given", "becomes"),
    [
        ("integer", "10", 10),
        ("integer", 10.0, 10),
        ("integer", "-3", -3),
        ("number", "2.50", 2.5),
        ("number", "7", 7),
        ("boolean", "true", True),
        ("string", 1009, "1009"),
    ],
)
def test_coercion_where_nothing_is_lost(kind: str, given: Any, becomes: Any) -> None:
    found = one({"type": kind}, given)
    assert (type(found), found) == (type(becomes), becomes)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "10.5"),
        ("integer", 10.5),
        ("integer", "010"),
        ("integer", " 10"),
        ("integer", "1e3"),
        ("integer", "١٠"),
        ("integer", "1,000"),
        ("integer", True),
        ("integer", str(LARGEST + 1)),
        ("number", "0.10000000000000001"),
        ("number", "1.000.000"),
        ("number", "NaN"),
        ("boolean", 1),
        ("boolean", "yes"),
        ("string", 1.5),
        ("string", True),
        ("string", None),
        ("object", "{}"),
        ("array", "a,b"),
    ],
)
def test_no_coercion_that_guesses(kind: str, given: Any) -> None:
    schema: dict[str, Any] = {"type": kind, "items": {"type": "string"}} if kind == "array" else {"type": kind}
    assert list(problems(an_object(x=schema), {"x": given})) == ["x"]


@pytest.mark.parametrize("amount", ["1000.00", "0.10", "19.9"])
def test_t48_money_as_a_decimal_string_stays_as_it_is(amount: str) -> None:
    assert one({"type": "string", "pattern": r"^[0-9]+\.[0-9]{1,2}$", "maxLength": 20}, amount) == amount
    assert one({"anyOf": [{"type": "number"}, {"type": "string"}]}, amount) == amount


def test_a_multiple_is_judged_in_decimal() -> None:
    schema = {"type": "number", "multipleOf": 0.01}
    assert one(schema, 19.99) == 19.99
    assert problems(an_object(x=schema), {"x": 19.999}) == {"x": "is 19.999; must be a multiple of 0.01"}


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2026-02-28", "28.02.2026"),
        ("date-time", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00"),
        ("time", "10:00:00+02:00", "25:00:00Z"),
        ("uuid", "018f3c1e-7b2a-7c3d-8e4f-5a6b7c8d9e0f", "{018f3c1e-7b2a-7c3d-8e4f-5a6b7c8d9e0f}"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "::1", "1.2.3.4"),
        ("hostname", "example.org", "-example.org"),
        ("uri", "https://example.org/a", "javascript:alert(1)"),
        ("email", "ann@example.org", "ann@example.org, eve@example.org"),
    ],
)
def test_formats_are_checked(format_: str, good: str, bad: str) -> None:
    schema = {"type": "string", "format": format_}
    assert one(schema, good) == good
    assert problems(an_object(x=schema), {"x": bad}) == {"x": f"is not a valid {format_}"}


def test_the_first_form_that_takes_a_value_as_it_is_wins() -> None:
    schema = {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}
    assert one(schema, "10") == "10"
    assert one(schema, 10) == 10
    assert one(schema, None) is None
    assert one({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "10") == 10
    assert problems(an_object(x=schema), {"x": 1.5}) == {"x": "must be a whole number or text or null"}


def test_an_optional_object_is_judged_field_by_field() -> None:
    place = {"type": "object", "properties": {"zip": {"type": "string", "maxLength": 5}}, "required": ["zip"]}
    schema = an_object(at={"anyOf": [place, {"type": "null"}], "default": None})
    assert normalise(schema, {}).arguments == {"at": None}
    assert normalise(schema, {"at": {"zip": 12345}}).arguments == {"at": {"zip": "12345"}}
    assert problems(schema, {"at": {"zip": "123456"}}) == {"at.zip": "has 6 characters; the limit is 5"}
    assert problems(schema, {"at": {}}) == {"at.zip": "is missing"}
    assert problems(schema, {"at": {"zip": "1", "y": 2}}) == {"at.y": "is not a field here"}


def test_an_object_that_names_its_fields_takes_no_others() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert problems(an_object(x={"type": "array", "items": inner}), {"x": [{"a": 1}, {"b": 1}]}) == {
        "x[1].b": "is not a field here"
    }


def test_an_open_object_has_checked_values_and_plain_keys() -> None:
    schema = an_object(x={"type": "object", "additionalProperties": {"type": "integer"}})
    assert normalise(schema, {"x": {"a": "1"}}).arguments == {"x": {"a": 1}}
    assert list(problems(schema, {"x": {"a\u202e": 1}})) == ['x["a\\u202e"]']
    assert "two spellings" in next(iter(problems(schema, {"x": {"é": 1, "e\u0301": 2}}).values()))


def test_t49_too_much_is_refused() -> None:
    schema = an_object(x={"type": "array", "items": {"type": "string"}})
    assert problems(schema, {"x": ["a"] * 1_001}) == {"x": "has 1001 items; the limit is 1000"}
    assert problems(schema, {"x": ["a" * 1_000] * 500}, at="arguments") == {"arguments": "larger than 256000 bytes"}
    assert len(problems(schema, {f"k{n}": 1 for n in range(4_000)})) == 100


def test_a_pydantic_model_gives_a_schema_that_works() -> None:
    class Line(BaseModel):
        sku: str = Field(max_length=20)
        count: int = 1

    class Order(BaseModel):
        model_config = ConfigDict(extra="forbid")
        customer_id: str
        lines: list[Line]
        note: str | None = None

    schema = Order.model_json_schema()
    assert lint(schema) == []
    found = normalise(schema, {"customer_id": 7, "lines": [{"sku": "a", "count": "2"}, {"sku": "b"}]})
    assert found.arguments == {
        "customer_id": "7",
        "lines": [{"sku": "a", "count": 2}, {"sku": "b", "count": 1}],
        "note": None,
    }
    Order.model_validate(found.arguments, strict=True)


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=15)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.floats(-1e9, 1e9) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*MESSAGE["properties"], "other"]), values, max_size=5))
@settings(max_examples=200, deadline=None, database=None)
def test_whatever_is_accepted_stays_as_it_is_the_second_time(arguments: dict[str, Any]) -> None:
    arguments = {"to": "ann@example.org", "body": "x", **arguments}
    try:
        found = normalise(MESSAGE, arguments)
    except ArgumentsRefused:
        return
    assert normalise(MESSAGE, found.arguments) == Normalised(found.arguments, ())


@pytest.mark.parametrize(
    ("types", "value", "definite"),
    [
        (["integer", "null"], "10", 10),
        (["integer", "null"], None, None),
        (["null", "boolean"], "true", True),
        (["number", "boolean"], "false", False),
        (["number", "null"], "1.5", 1.5),
        (["string", "integer"], "10", "10"),
        (["string", "integer"], 10, 10),
        (["string", "null"], 10, "10"),
        (["array", "null"], None, None),
    ],
)
def test_a_schema_may_list_several_types(types: list[str], value: Any, definite: Any) -> None:
    found = one({"type": types, "maxLength": 500}, value)
    assert (found, type(found)) == (definite, type(definite))


def test_what_is_of_none_of_the_listed_types_is_refused_with_its_path() -> None:
    schema = an_object(
        x={"anyOf": [{"type": ["integer", "null"]}, {"type": ["array", "null"], "items": {"type": "integer"}}]}
    )
    assert set(problems(schema, {"x": "ten"})) == {"x"}
    assert set(problems(an_object(x={"type": ["integer", "null"]}), {"x": "ten"})) == {"x"}
