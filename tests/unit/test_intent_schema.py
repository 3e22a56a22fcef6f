"""The schema that an answer is held to: strict for whatever a tool may declare."""

import json

import pytest
from jsonschema import Draft202012Validator

from lam_app.planner.intent import ToolCard, carries_text, intent_schema, read_intent, schema_digest

TEXT = {"type": "string"}


def card(schema, name="do_it"):
    return ToolCard(name, "Do it.", schema, "write", "1")


def obj(properties, required=(), **more):
    return {"type": "object", "properties": properties, "required": list(required), **more}


def arguments_of(tool):
    branch = intent_schema([tool])["properties"]["next"]["anyOf"][0]
    return branch["properties"].get("arguments")


def assert_strict(schema):
    if isinstance(schema, list):
        for item in schema:
            assert_strict(item)
    if not isinstance(schema, dict):
        return
    assert not schema.keys() & {"$ref", "allOf", "oneOf", "default", "not", "if", "patternProperties", "prefixItems"}
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
        for inner in schema["properties"].values():
            assert_strict(inner)
    for word in ("anyOf", "items"):
        assert_strict(schema.get(word))


NESTED = {
    "plain": obj({"a": TEXT, "n": {"type": "integer", "minimum": 1}}, ["a", "n"]),
    "optional": obj({"a": TEXT, "b": {**TEXT, "default": "x"}}, ["a"]),
    "enum": obj({"a": {"enum": ["x", "y"]}, "b": {"type": "string", "enum": ["p"]}}, ["a"]),
    "const": obj({"a": {"const": 3}}, ["a"]),
    "array": obj({"a": {"type": "array", "items": obj({"b": TEXT, "c": TEXT}, ["b"]), "minItems": 1}}, ["a"]),
    "nested": obj({"a": obj({"b": obj({"c": TEXT})}, ["b"])}, ["a"]),
    "nullable": obj({"a": {"anyOf": [TEXT, {"type": "null"}], "default": None}}),
    "type list": obj({"a": {"type": ["string", "integer", "null"]}}, ["a"]),
    "ref": {**obj({"a": {"$ref": "#/$defs/A"}}, ["a"]), "$defs": {"A": obj({"b": TEXT}, ["b"])}},
    "ref elsewhere": {
        **obj({"a": {"$ref": "#/components/schemas/A~1B"}}, ["a"]),
        "components": {"schemas": {"A/B": obj({"b": TEXT})}},
    },
    "allOf": obj({"a": {"allOf": [obj({"b": TEXT}, ["b"]), obj({"c": TEXT}, ["c"])], "description": "both"}}, ["a"]),
    "allOf with ref": {
        "allOf": [{"$ref": "#/$defs/A"}, obj({"c": TEXT}, ["c"])],
        "$defs": {"A": obj({"b": TEXT}, ["b"])},
    },
    "oneOf": obj({"a": {"oneOf": [obj({"k": {"const": 1}}, ["k"]), obj({"l": TEXT}, ["l"])]}}, ["a"]),
    "nothing": {"type": "object"},
    "empty": obj({}),
    "closed": obj({"a": TEXT}, ["a"], additionalProperties=False),
}
OPEN = {
    "any keys": obj({"a": {"type": "object", "additionalProperties": TEXT}}, ["a"]),
    "extra keys allowed": obj({"a": TEXT}, ["a"], additionalProperties=True),
    "patterned keys": obj({}, patternProperties={"^x": TEXT}),
    "object of any shape": obj({"a": {"type": "object"}}),
    "value of any kind": obj({"a": {}}),
    "true": obj({"a": True}),
    "items of any kind": obj({"a": {"type": "array"}}),
    "tuple": obj({"a": {"type": "array", "prefixItems": [TEXT], "items": TEXT}}),
    "recursive": {
        **obj({"a": {"$ref": "#/$defs/N"}}),
        "$defs": {"N": obj({"n": {"$ref": "#/$defs/N"}})},
    },
    "reference to the network": obj({"a": {"$ref": "https://example.com/schema"}}),
    "reference to nothing": obj({"a": {"$ref": "#/$defs/Gone"}}),
    "allOf that disagrees": obj({"a": {"allOf": [{"type": "string"}, {"type": "integer"}]}}),
    "unknown type": obj({"a": {"type": "date"}}),
    "required but not described": obj({"a": TEXT}, ["b"]),
    "too deep": obj({"a": obj({"a": obj({"a": obj({"a": obj({"a": obj({"a": obj({"a": TEXT})})})})})})}),
    "several whole shapes": {"anyOf": [obj({"a": TEXT}), obj({"b": TEXT})]},
}


@pytest.mark.parametrize("schema", NESTED.values(), ids=NESTED)
def test_what_can_be_strict_is_strict_all_the_way_down(schema):
    made = intent_schema([card(schema)])
    Draft202012Validator.check_schema(made)
    assert_strict(made)
    assert not carries_text(card(schema))


@pytest.mark.parametrize("schema", OPEN.values(), ids=OPEN)
def test_what_is_open_travels_as_text_and_the_schema_stays_strict(schema):
    made = intent_schema([card(schema)])
    assert_strict(made)
    branch = made["properties"]["next"]["anyOf"][0]["properties"]
    assert branch["arguments_json"]["type"] == "string"
    assert "arguments" not in branch


def test_references_that_multiply_are_given_up_instead_of_followed():
    levels = {f"L{n}": obj({k: {"$ref": f"#/$defs/L{n + 1}"} for k in "abcdef"}) for n in range(5)}
    schema = {**obj({"a": {"$ref": "#/$defs/L0"}}), "$defs": {**levels, "L5": TEXT}}
    assert carries_text(card(schema))


def test_an_optional_property_may_be_null_and_a_required_one_may_not():
    made = arguments_of(card(NESTED["optional"]))
    assert made["properties"] == {"a": {"type": "string"}, "b": {"type": ["string", "null"]}}


def test_bounds_and_formats_that_a_grammar_knows_are_kept():
    schema = obj(
        {
            "n": {"type": "integer", "minimum": 1, "maximum": 9},
            "d": {"type": "string", "format": "date", "maxLength": 9},
            "p": {"type": "string", "pattern": "^#W[0-9]+$"},
            "look": {"type": "string", "pattern": "^(?!x)"},
            "odd": {"type": "string", "format": "iban"},
        },
        ["n", "d", "p", "look", "odd"],
    )
    assert arguments_of(card(schema))["properties"] == {
        "n": {"type": "integer", "minimum": 1, "maximum": 9},
        "d": {"type": "string", "format": "date"},
        "p": {"type": "string", "pattern": "^#W[0-9]+$"},
        "look": {"type": "string"},
        "odd": {"type": "string"},
    }


def test_there_is_one_branch_for_each_tool_and_one_for_each_way_to_stop():
    made = intent_schema([card(obj({}), "one"), card(obj({}), "two")])
    branches = made["properties"]["next"]["anyOf"]
    assert [branch["properties"].get("tool", {}).get("const") for branch in branches] == [
        "one",
        "two",
        None,
        None,
        None,
    ]
    assert [branch["properties"]["kind"]["const"] for branch in branches] == ["act", "act", "finish", "ask", "escalate"]


def test_the_digest_is_stable_and_moves_with_the_catalogue():
    one, two = card(obj({"a": TEXT})), card(obj({"b": TEXT}))
    assert schema_digest(intent_schema([one])) == schema_digest(intent_schema([one]))
    assert schema_digest(intent_schema([one])) != schema_digest(intent_schema([two]))


def test_a_schema_that_points_to_the_network_is_refused_and_never_fetched(monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("fetched"))
    tool = card(OPEN["reference to the network"])
    answer = {"kind": "act", "tool": tool.name, "arguments_json": json.dumps({"a": 1}), "confidence": None}
    with pytest.raises(Exception, match="cannot be used"):
        read_intent(json.dumps({"reasoning": "", "considered": [], "next": answer}), [tool])
