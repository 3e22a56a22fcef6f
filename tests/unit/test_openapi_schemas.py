"""Schemas of a stranger's document: what is translated, what is closed, what is refused in no time (T84, T85)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.openapi import TEXT, body, fields, one, refused, results
from tools.arguments import ArgumentsRefused, normalise


@pytest.mark.parametrize(
    ("version", "schema"),
    [
        ("3.0.3", {"type": "string", "nullable": True}),
        ("3.0.3", {"allOf": [{"type": "string"}], "nullable": True}),
        ("3.1.0", {"type": ["string", "null"]}),
        ("3.1.0", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("3.1.0", {"oneOf": [{"type": "string"}, {"type": "null"}]}),
    ],
)
def test_null_is_a_value_where_the_document_says_so(version: str, schema: Any) -> None:
    contract = one(body({"type": "object", "properties": {"a": schema}}), version=version)
    for value in ("x", None):
        assert normalise(contract.arguments_schema, {"a": value}).arguments == {"a": value}
    with pytest.raises(ArgumentsRefused):
        normalise(contract.arguments_schema, {"a": ["x"]})


def test_a_choice_of_words_that_may_be_null_keeps_its_words() -> None:
    schema = {"type": "string", "enum": ["a", None], "nullable": True}
    contract = one(body({"type": "object", "properties": {"a": schema}}), version="3.0.0")
    assert normalise(contract.arguments_schema, {"a": None}).arguments == {"a": None}
    with pytest.raises(ArgumentsRefused):
        normalise(contract.arguments_schema, {"a": "b"})


def test_objects_take_no_fields_that_nobody_described() -> None:
    inner = {"type": "object", "properties": {"x": TEXT}, "additionalProperties": True}
    contract = one(body(fields(a=inner)))
    with pytest.raises(ArgumentsRefused):
        normalise(contract.arguments_schema, {"a": {"x": "1", "y": "2"}})
    free = one(body(fields(a={"type": "object"})))
    assert normalise(free.arguments_schema, {"a": {"k": 1}}).arguments == {"a": {"k": 1}}
    with pytest.raises(ArgumentsRefused):
        normalise(free.arguments_schema, {"a": {"k": {"deep": 1}}})


def test_bounds_of_30_and_words_that_say_nothing_are_translated() -> None:
    schema = {
        "type": "integer", "format": "int64", "minimum": 0, "exclusiveMinimum": True, "maximum": 2**63 - 1,
        "example": 7, "xml": {"name": "x"}, "x-y": 1, "description": "How\u202e many\nof them",
    }  # fmt: skip
    contract = one(body(fields(n=schema)), version="3.0.1")
    found = contract.arguments_schema["properties"]["n"]
    assert found == {"type": "integer", "exclusiveMinimum": 0, "description": "How many of them"}


def test_what_is_only_read_is_not_sent_and_what_is_secret_is_masked() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "name": TEXT,
            "login": {"type": "string", "format": "password"},
            "api_key": TEXT,
        },
    }
    contract = one(body(schema))
    assert set(contract.arguments_schema["properties"]) == {"name", "login", "api_key"}
    assert contract.arguments_schema["required"] == ["name"]
    assert set(contract.secret_fields) == {"login", "api_key"}


def test_schemas_that_refer_to_themselves_or_explode_are_refused_in_no_time() -> None:
    loop = {"schemas": {"A": fields(a={"$ref": "#/components/schemas/A"})}}
    assert "refers to itself" in refused(body({"$ref": "#/components/schemas/A"}), components=loop)
    bomb: dict[str, Any] = {"S0": fields(x=TEXT)}
    for level in range(1, 12):
        part = {"$ref": f"#/components/schemas/S{level - 1}"}
        bomb[f"S{level}"] = fields(**{f"f{n}": part for n in range(8)})
    began = time.monotonic()
    assert "too large" in refused(body({"$ref": "#/components/schemas/S11"}), components={"schemas": bomb})
    assert time.monotonic() - began < 1


def test_a_pattern_that_could_take_for_ever_is_left_to_the_service_with_a_note() -> None:
    operation = {"operationId": "doThing", **body(fields(a={"type": "string", "pattern": "((a+)+)+$"}))}
    (found,) = results({"/things": {"post": operation}})
    assert found.contract.arguments_schema["properties"]["a"] == {"type": "string"}
    assert found.notes[0].startswith("requestBody.a.pattern is left to the service: ")
