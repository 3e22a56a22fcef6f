"""A tool's contract: what may be registered, what changes its version, and the sentences made from it."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.support.contracts import TEXT, a_contract, an_object, paths
from tools.contract import (
    Contract,
    ContractRefused,
    Error,
    Idempotency,
    Maturity,
    Outcome,
    OutcomeStatus,
    Risk,
    Tier,
    summarise,
)
from tools.schemas import lint, plain


def test_a_sound_contract_is_accepted_and_survives_json() -> None:
    contract = a_contract().validate()
    assert Contract.from_json(json.loads(json.dumps(contract.to_json()))) == contract


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": "Send"}, "name"),
        ({"name": "sеnd"}, "name"),
        ({"name": "send_message\n"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": ""}, "name"),
        ({"title": ""}, "title"),
        ({"title": "Send\u202e"}, "title"),
        ({"summary": "to {nobody}"}, "summary"),
        ({"summary": "to {to.__class__!r}"}, "summary"),
        ({"consent": "{0}"}, "consent"),
        ({"secret_fields": ("pin",)}, "secret_fields[0]"),
        ({"recipient_fields": ("to", "cc")}, "recipient_fields[1]"),
        ({"idempotency": Idempotency.keyed(0)}, "idempotency.lifetime"),
        ({"idempotency": replace(Idempotency.neither(), lifetime=5)}, "idempotency.lifetime"),
        ({"inverse": "unsend"}, "inverse"),
        ({"timeout": 0.0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"network": ("example.org:443", "http://evil")}, "network[1]"),
        ({"binding": {"a": [float("nan")]}}, "binding.a[0]"),
        ({"arguments_schema": {"type": "string"}}, "arguments_schema"),
        ({"result_schema": {"type": "object", "if": {}}}, "result_schema.if"),
    ],
)
def test_what_keeps_a_contract_out_is_named_with_its_path(changes: dict[str, Any], path: str) -> None:
    contract = a_contract(**changes)
    assert path in paths(contract)
    with pytest.raises(ContractRefused) as refused:
        contract.validate()
    assert path in [problem["path"] for problem in refused.value.extra["problems"]]


@pytest.mark.parametrize(
    ("prop", "path"),
    [
        ({"type": "string", "pattern": "((a+)+)+$"}, "properties.x.pattern"),
        ({"type": "string", "pattern": "^(a|a)*$"}, "properties.x.pattern"),
        ({"type": "string", "pattern": "^" + "a?" * 30 + "a" * 30 + "$"}, "properties.x.pattern"),
        ({"type": "string", "pattern": r"^(\w+\s?)*$"}, "properties.x.pattern"),
        ({"type": "string", "pattern": "^(?=a)b"}, "properties.x.pattern"),
        ({"type": "string", "pattern": "("}, "properties.x.pattern"),
        ({"type": "string", "pattern": "a" * 201}, "properties.x.pattern"),
        ({"$ref": "https://example.org/schema.json"}, "properties.x.$ref"),
        ({"$ref": "#"}, "properties.x.$ref"),
        ({"$ref": "#/properties/x"}, "properties.x.$ref"),
        ({"$ref": "#/$defs/none"}, "properties.x.$ref"),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "properties.x.uniqueItems"),
        ({"anyOf": [{"type": "integer"}] * 17}, "properties.x.anyOf"),
        ({"allOf": [{"type": "integer"}] * 2}, "properties.x.allOf"),
        ({"type": "integer", "not": {"const": 1}}, "properties.x.not"),
        ({"type": "object", "patternProperties": {}}, "properties.x.patternProperties"),
        ({"type": "object", "additionalProperties": True}, "properties.x.additionalProperties"),
        ({"type": "string", "format": "regex"}, "properties.x.format"),
        ({"$id": "https://example.org", "type": "string"}, 'properties.x["$id"]'),
        ({"type": "strin"}, "properties.x.type"),
        ({"minimum": 1}, "properties.x"),
        (True, "properties.x"),
    ],
)
def test_t84_t85_a_schema_that_could_hurt_or_mislead_is_refused(prop: Any, path: str) -> None:
    began = time.process_time()
    found = [problem.path for problem in lint(an_object(x=prop))]
    assert time.process_time() - began < 0.1
    assert path.replace(".$ref", '["$ref"]') in found


def test_t85_references_that_loop_or_multiply_are_refused() -> None:
    loop = {**an_object(x={"$ref": "#/$defs/a"}), "$defs": {"a": an_object(y={"$ref": "#/$defs/a"})}}
    assert "refers to itself: a → a" in lint(loop)[0].message
    doubling = {f"n{n}": an_object(l={"$ref": f"#/$defs/n{n + 1}"}, r={"$ref": f"#/$defs/n{n + 1}"}) for n in range(20)}
    bomb = {**an_object(x={"$ref": "#/$defs/n0"}), "$defs": {**doubling, "n20": {"type": "string"}}}
    began = time.process_time()
    assert "more than 4000 parts" in lint(bomb)[0].message
    assert time.process_time() - began < 0.5


def test_a_schema_too_large_or_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        deep = an_object(x=deep)
    assert "deeper" in lint(deep)[0].message
    assert "larger" in lint(an_object(x={"type": "string", "description": "x" * 70_000}))[0].message


def test_references_are_written_out() -> None:
    schema = {**an_object(at={"$ref": "#/$defs/Place", "default": None}), "$defs": {"Place": an_object(city=TEXT)}}
    assert lint(schema) == []
    assert plain(schema)["properties"]["at"] == {**an_object(city=TEXT), "default": None}


@pytest.mark.parametrize(
    ("pattern", "length"),
    [
        (r"^[a-z]+(-[a-z]+)*$", 100),
        (r"^(\d{1,3}\.){3}\d{1,3}$", 15),
        (r"^[^@\s]+@[^@\s]+\.[a-z]+$", 254),
        (r"^ORD-[0-9]+$", 20),
        (r"^\d{4}-\d{2}-\d{2}$", None),
        (r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$", 34),
        (r"^(ab|cd)$", None),
        (r"a+$", 1_000),
        (r"^(a*)(a*)(a*)b$", 200),
        (r"^(-a+){3}a+$", 2_000),
        (r"^(a*|b)a*c$", 2_000),
    ],
)
def test_t84_an_allowed_pattern_fails_fast_on_hostile_text(pattern: str, length: int | None) -> None:
    import re

    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    if length:
        schema["maxLength"] = length
    assert lint(an_object(x=schema)) == []
    began = time.process_time()
    for piece in ("a", "a-", "-a", "1", "1.", "@", "ORD-1", "A"):
        re.search(pattern, (piece * 10_000)[: (length or 10_000) - 1] + "!")
    assert time.process_time() - began < 0.8


CHANGES: list[Callable[[], dict[str, Any]]] = [
    lambda: {"name": "send_letter"},
    lambda: {"arguments_schema": an_object(to=TEXT)},
    lambda: {"binding": {"callable": "outbox.other"}},
    lambda: {"tier": Tier.ADMIN},
    lambda: {"idempotency": Idempotency.keyed(60)},
    lambda: {"summary": "Read {to}"},
    lambda: {"consent": "OK"},
    lambda: {"network": ("example.org",)},
    lambda: {"secret_fields": ("body",)},
    lambda: {"categories": frozenset()},
    lambda: {"trusted_output": True},
    lambda: {"timeout": 5.0},
]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_what_is_shown_or_runs_is_a_new_version(change: Callable[[], dict[str, Any]]) -> None:
    assert a_contract(**change()).version_hash() != a_contract().version_hash()


@pytest.mark.parametrize("change", [{"title": "Write"}, {"description": "…"}, {"owner": "Sales"}])
def test_prose_about_a_tool_is_not_a_new_version(change: dict[str, str]) -> None:
    assert a_contract(**change).version_hash() == a_contract().version_hash()


def test_tiers_and_risks_are_ordered_by_depth_not_by_spelling() -> None:
    for words in (list(Tier), list(Risk)):
        assert all(lower < higher and higher >= lower and not lower >= higher for lower, higher in pairwise(words))
    assert max(Tier.WRITE, Tier.READ) is Tier.WRITE
    with pytest.raises(TypeError):
        assert Tier.WRITE < "zzz"
    assert not hasattr(Maturity, "rank")


def test_t46_the_headline_comes_from_the_template_and_the_arguments() -> None:
    arguments = {"to": "ann@example.org", "body": "Hello"}
    assert a_contract().summary_of(arguments) == 'Send "Hello" to ann@example.org'
    assert a_contract().consent_for(arguments) == "Send message to ann@example.org"
    assert a_contract().consent_for({}) == "Send message to (not given)"
    assert a_contract(secret_fields=("body",)).summary_of(arguments) == 'Send "(secret)" to ann@example.org'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none)"),
        (True, "yes"),
        (0, "0"),
        (1000.5, "1000.5"),
        ("", "(empty)"),
        ("1000.00", "1000.00"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\nb", "a ⏎ b"),
        ("{to}", "{to}"),
        ("x" * 200, "x" * 120 + "… (200 characters)"),
        ([1, 2], "1, 2"),
        (list(range(7)), "0, 1, 2, 3, 4 and 2 more"),
        ([], "(none)"),
        ({"b": 1, "a": "x"}, '{"a":"x","b":1}'),
    ],
)
def test_a_value_is_shown_plainly_on_one_line(value: object, shown: str) -> None:
    assert summarise("{v}", {"v": value, "to": "never"}) == shown


def test_a_template_reaches_fields_and_nothing_else() -> None:
    assert summarise("{a.b} {a.c} {a.b.upper}", {"a": {"b": "x"}}) == "x (not given) (not given)"
    assert summarise("{a.__class__} {a!r} {0}", {"a": {}}) == "(not given) {a!r} {0}"


def test_an_outcome_never_contradicts_itself() -> None:
    with pytest.raises(ValueError):
        Outcome(OutcomeStatus.DONE, error=Error("x", "y"))
    with pytest.raises(ValueError):
        Outcome(OutcomeStatus.FAILED)
