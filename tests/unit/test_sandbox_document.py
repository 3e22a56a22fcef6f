"""The sandbox's OpenAPI document says what the service does."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sandbox.desk import Desk
from sandbox.office import OPERATIONS
from sandbox.openapi import document
from sandbox.operations import Repeat
from sandbox.store import Store

DOCUMENT = document()
BY_NAME = {
    one["operationId"]: (path, method, one) for path, item in DOCUMENT["paths"].items() for method, one in item.items()
}
NAMES = list(OPERATIONS)


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def judge(reference):
    registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(DOCUMENT))
    return Draft202012Validator({"$ref": f"urn:document{reference}"}, registry=registry)


def body_of(name):
    return BY_NAME[name][2]["requestBody"]["content"]["application/json"]


def test_it_is_json_and_every_reference_resolves():
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    for reference in references(DOCUMENT):
        node = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_every_schema_is_a_schema_and_every_one_is_used():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{name}" in set(references(DOCUMENT)), name


def test_every_operation_is_there_once_with_what_a_reader_needs():
    assert list(BY_NAME) != []
    assert set(BY_NAME) == set(OPERATIONS)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for name, (_, _, one) in BY_NAME.items():
        assert one["tags"][0] in tags
        assert "Use it" in one["description"], name
        assert one["summary"].split()[0].lower() in (name.split("_")[0], "refund", "get"), one["summary"]
    assert tags == {one["tags"][0] for _, _, one in BY_NAME.values()}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_path_is_declared_and_needed(name):
    path, _, one = BY_NAME[name]
    declared = [parameter for parameter in one["parameters"] if parameter["in"] == "path"]
    assert [parameter["name"] for parameter in declared] == re.findall(r"\{(\w+)\}", path)
    assert all(parameter["required"] and parameter["schema"] for parameter in declared)
    assert len({(parameter["name"], parameter["in"]) for parameter in one["parameters"]}) == len(one["parameters"])


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_declared_exactly_where_it_is_honoured(name):
    headers = [parameter["name"] for parameter in BY_NAME[name][2]["parameters"] if parameter["in"] == "header"]
    expected = {Repeat.KEYED: ["Idempotency-Key"], Repeat.QUERYABLE: ["Payment-Reference"]}
    assert headers == expected.get(OPERATIONS[name].repeat, [])


def test_the_operations_that_honour_no_key_are_known():
    unkeyed = {name: one.repeat for name, one in OPERATIONS.items() if one.writes and one.repeat is not Repeat.KEYED}
    assert unkeyed == {
        "pay_invoice": Repeat.QUERYABLE,
        "reply_to_ticket": Repeat.NEITHER,
        "launch_campaign": Repeat.NEITHER,
    }


@pytest.mark.parametrize("name", NAMES)
def test_its_examples_fit_its_schemas_and_so_does_the_answer(name):
    one = BY_NAME[name][2]
    for parameter in one["parameters"]:
        if "example" in parameter:
            Draft202012Validator(parameter["schema"]).validate(parameter["example"])
    if "requestBody" in one:
        for example in body_of(name)["examples"].values():
            judge(body_of(name)["schema"]["$ref"]).validate(example["value"])
    store = Store()
    answer = Desk(store).call(name, OPERATIONS[name].example)
    store.close()
    judge(one["responses"][str(answer.status)]["content"]["application/json"]["schema"]["$ref"]).validate(answer.body)


@pytest.mark.parametrize("name", [name for name in NAMES if OPERATIONS[name].has_body])
def test_a_body_has_no_fields_of_the_path_none_unnamed_and_no_null(name):
    schema = DOCUMENT["components"]["schemas"][body_of(name)["schema"]["$ref"].rsplit("/", 1)[1]]
    assert schema["additionalProperties"] is False
    assert not set(schema["properties"]) & set(OPERATIONS[name].in_path)
    assert "null" not in json.dumps(schema)


def test_how_to_undo_is_a_link_of_the_answer():
    link = BY_NAME["create_refund"][2]["responses"]["201"]["links"]["undo"]
    assert link["operationId"] == "cancel_refund"
    assert link["parameters"] == {"refund_id": "$response.body#/refund_id"}
    link = BY_NAME["update_customer"][2]["responses"]["200"]["links"]["undo"]
    assert link["requestBody"] == "$response.body#/previous"
    for name, one in OPERATIONS.items():
        assert one.undo is None or one.undo.operation in OPERATIONS, name


def test_problems_fit_their_schema():
    store = Store()
    for arguments in ({"order_id": 4242, "reason": "x"}, {"order_id": "x"}):
        judge("#/components/schemas/Problem").validate(Desk(store).call("create_refund", arguments).body)
    store.close()
