"""Small OpenAPI documents, and what is made of their operations."""

import json
from typing import Any

from tools.contract import Contract
from tools.openapi import Imported, Skipped, Trust, imported, read

TEXT = {"type": "string"}
KEY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
TRUST = Trust(extensions=True)
"""Somebody vouches for what the document says of itself."""


def a_document(paths: dict[str, Any], *, version: str = "3.1.0", **more: Any) -> str:
    """A shop's document with these paths, as text."""
    whole = {"openapi": version, "info": {"title": "Shop"}, "servers": [{"url": "https://shop.example/v1"}]}
    return json.dumps({**whole, "paths": paths, **more})


def results(paths: dict[str, Any], *, trust: Trust | None = None, base: str = "", **more: Any) -> list[Any]:
    """What becomes of every operation, in the document's order."""
    return list(imported(read(a_document(paths, **more)), base=base, trust=trust or Trust()))


def one(operation: dict[str, Any], *, method: str = "post", path: str = "/things", **more: Any) -> Contract:
    """The contract of a document with one operation."""
    (found,) = results({path: {method: {"operationId": "doThing", **operation}}}, **more)
    assert isinstance(found, Imported), found
    return found.contract


def refused(operation: dict[str, Any], *, method: str = "post", path: str = "/things", **more: Any) -> str:
    """Why an operation is left out."""
    (found,) = results({path: {method: {"operationId": "doThing", **operation}}}, **more)
    assert isinstance(found, Skipped), found
    return found.reason


def body(schema: Any, **more: Any) -> dict[str, Any]:
    """The part of an operation that says what it is sent."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}, **more}}


def fields(**properties: Any) -> dict[str, Any]:
    """The schema of an object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def said(**words: Any) -> dict[str, Any]:
    """What a document says of an operation, as extensions."""
    return {f"x-countersign-{word.replace('_', '-')}": value for word, value in words.items()}
