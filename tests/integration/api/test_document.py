"""The OpenAPI document: complete, with examples; and what a fuzzer that reads it finds (slow)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from tests.support.api import ROOT, Api, Caller, account

EXAMPLES = 20
SECONDS = 2
"""For each operation, of values that fit and again of values that do not: so many, or for so long."""
REFUSALS = {"400", "401", "403"}


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    """The document as anybody gets it."""
    answer = Client().get(f"{ROOT}/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.content)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation."""
    for path, methods in document["paths"].items():
        for method, found in methods.items():
            yield method.upper(), path, found


def test_the_document_is_of_openapi_3_1_and_names_every_operation_once(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    names = [found["operationId"] for _, _, found in operations(document)]
    assert len(names) == len(set(names)) == 14
    assert document["components"]["securitySchemes"] == {"Bearer": {"type": "http", "scheme": "bearer"}}


def test_every_operation_asks_for_a_token_and_documents_its_refusals_with_examples(document: dict[str, Any]) -> None:
    for method, path, found in operations(document):
        assert found["security"] == [{"Bearer": []}], path
        expected = REFUSALS | {"422"} | ({"404"} if "{" in path else set())
        expected |= {"409", "413", "415"} if method == "POST" else set()
        assert expected <= set(found["responses"]), (method, path)
        for status, answer in found["responses"].items():
            if status >= "400":
                content = answer["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert content["example"]["status"] == int(status)
        assert found["description"]


def test_every_body_refuses_unknown_fields_and_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("RunIn", "ActionIn", "InputIn", "StopIn"):
        assert schemas[name]["additionalProperties"] is False
        assert schemas[name]["examples"]
    assert "callback" not in schemas["ActionIn"]["properties"]


def test_examples_are_accepted(api: Api, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert api.operator.post("runs", schemas["RunIn"]["examples"][0]).status_code == 201
    assert api.bot.post("actions", schemas["ActionIn"]["examples"][0]).status_code == 202


def ids(api: Api) -> dict[str, str]:
    """Things that exist, so that a fuzzer gets past the first 404."""
    return {"run_id": str(api.world.run().id), "action_id": api.staged()["id"], "name": "send_message"}


def caller_of(api: Api, found: str) -> Caller:
    """Somebody who may ask this."""
    if found == "propose_action":
        return api.bot
    return api.auditor if found == "list_events" else api.operator


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_fuzzer_finds_no_5xx_and_no_undocumented_answer(api: Api) -> None:
    """Every operation with values that fit and values that do not, on paths of real things and of made-up ones."""
    import schemathesis

    real = ids(api)
    statuses: dict[str, set[int]] = {}
    with account("web"):
        schema = schemathesis.openapi.from_wsgi(f"{ROOT}/openapi.json", WSGIHandler())
        for found in schema.get_all_operations():
            operation = found.ok()
            caller = caller_of(api, operation.definition.raw["operationId"])
            headers = {"Authorization": f"Bearer {caller.token}"}
            statuses[operation.label] = fuzzed(operation, headers, real)
    assert len(statuses) == 14
    for label, seen in statuses.items():  # the fuzzer got past the door
        assert seen & {200, 201, 202, 403, 409}, (label, seen)


def fuzzed(operation: Any, headers: dict[str, str], real: dict[str, str]) -> set[int]:
    """Ask one operation many times and check every answer against the document. Returns the statuses seen."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    seen: set[int] = set()

    def ask(case: Any) -> None:
        if time.monotonic() > until and seen:
            return
        seen.add(case.call_and_validate(headers=headers, checks=checks).status_code)
        if case.path_parameters:
            case.path_parameters = {key: real[key] for key in case.path_parameters}
            seen.add(case.call_and_validate(headers=headers, checks=checks).status_code)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        until = time.monotonic() + SECONDS
        bounds = settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        bounds(given(case=operation.as_strategy(generation_mode=mode))(ask))()
    return seen
