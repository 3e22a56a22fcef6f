"""What a trusted document says of asking beforehand, and what leaves an operation out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.openapi import TEXT, TRUST, a_document, body, fields, said
from tools.openapi import Imported, imported, read

NUMBER = {"name": "id", "in": "path", "required": True, "schema": TEXT}
GET = {"operationId": "get_thing", "parameters": [NUMBER, {"name": "full", "in": "query", "schema": TEXT}]}
PREVIEW: dict[str, Any] = {
    "operation": "get_thing",
    "arguments": {"id": "a"},
    "effect": [{"label": "State", "before": "/state", "after": {"argument": "a"}}],
    "preconditions": ["/version"],
}
LOOKUPS: dict[str, Any] = {"a": {"kind": "thing", "operation": "get_thing", "parameter": "id", "name": "/title"}}


def found(words: dict[str, Any], get: dict[str, Any] | None = None, *, method: str = "get", **more: Any) -> Any:
    operation = {"operationId": "make", **body(fields(a=TEXT)), **words}
    paths = {"/things": {"post": operation}, "/things/{id}": {method: get or GET}}
    return next(iter(imported(read(a_document(paths)), **{"trust": TRUST, **more})))


def test_a_trusted_document_says_what_can_be_asked_before_a_call() -> None:
    made = found(said(preview=PREVIEW, lookups=LOOKUPS))
    assert isinstance(made, Imported)
    contract = made.contract
    assert (contract.preview, contract.lookups) == (True, {"a": "thing"})
    reading = {
        "operation": "get_thing",
        "method": "GET",
        "path": "/things/{id}",
        "parameters": [{"argument": "a", "name": "id", "in": "path"}],
    }
    assert contract.binding["preview"] == {**reading, "effect": PREVIEW["effect"], "preconditions": ["/version"]}
    assert contract.binding["lookups"] == {"a": {**reading, "name": ["/title"]}}
    assert contract.version_hash() != found({}).contract.version_hash()


def test_a_document_that_nobody_trusts_says_nothing_of_it() -> None:
    from tools.openapi import Trust

    made = found(said(preview=PREVIEW, lookups=LOOKUPS), trust=Trust())
    assert (made.contract.preview, made.contract.lookups) == (False, {})
    assert made.contract.binding.keys() & {"preview", "lookups"} == set()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"operation": "make"}, "no GET called make"),
        ({"operation": "nothing"}, "no GET called nothing"),
        ({"arguments": {}}, "needs id"),
        ({"arguments": {"id": "b"}}, "names the argument b"),
        ({"arguments": {"id": "a", "other": "a"}}, "no parameter other"),
        ({"effect": [{"label": "x", "before": "state", "after": {"value": 1}}]}, "JSON pointer"),
        ({"effect": [{"label": "x", "before": "/state", "after": {"value": [1]}}]}, "plain value"),
        ({"effect": [{"label": "x", "before": "/state", "after": {"argument": "b"}}]}, "names the argument b"),
        ({"effect": PREVIEW["effect"] * 31}, "31 rows"),
        ({"method": "DELETE"}, "says method"),
    ],
    ids=str,
)
def test_a_preview_that_is_not_understood_leaves_its_operation_out(change: dict[str, Any], reason: str) -> None:
    assert reason in found(said(preview={**PREVIEW, **change})).reason


def test_a_lookup_reads_with_get_alone() -> None:
    assert "no GET called get_thing" in found(said(lookups=LOOKUPS), method="delete").reason
    header = {"operationId": "get_thing", "parameters": [NUMBER, {"name": "h", "in": "header", "schema": TEXT}]}
    words = said(preview={**PREVIEW, "arguments": {"id": "a", "h": "a"}})
    assert "neither in its path nor in its query" in found(words, header).reason
    assert "has no parameter id" in found(said(lookups=LOOKUPS), {"operationId": "get_thing"}).reason
