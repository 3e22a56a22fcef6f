"""The office's OpenAPI 3.1 document, made from the declarations that also route and check the calls."""

from __future__ import annotations

import functools
from typing import Final

from pydantic.json_schema import models_json_schema

from sandbox import __version__
from sandbox.foreseen import FORESEEN, NAMED
from sandbox.headlines import HEADLINES, RECIPIENTS
from sandbox.office import OPERATIONS
from sandbox.operations import KEY_SECONDS, Operation, Repeat, undo_of
from sandbox.shapes import JSON, TITLES, Problem, Shape

REF: Final = "#/components/schemas/{model}"
TAGS: Final = {
    "orders": "What customers bought",
    "refunds": "Money that goes back to customers",
    "inventory": "What is in the warehouse",
    "invoices": "What suppliers want to be paid",
    "effects": "What became of a call",
    "travel": "Flights and hotels",
    "tickets": "What customers ask support for",
    "messages": "Emails to customers",
    "customers": "Who buys here",
    "contacts": "How people are reached",
    "users": "Who may sign in to the shop's systems",
    "calendar": "Meetings and calls",
    "candidates": "People who applied",
    "campaigns": "One message to many",
    "records": "Data entry",
}


@functools.cache
def document() -> dict[str, JSON]:
    """The whole document."""
    schemas = _schemas()
    paths: dict[str, dict[str, JSON]] = {}
    for one in OPERATIONS.values():
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    kept = {name: schema for name, schema in schemas.items() if name not in _spread()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kettle & Co. back office",
            "version": __version__,
            "description": "Orders, refunds, stock, travel and everything else that a small shop does in a day.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {"schemas": kept},
    }


def _shapes() -> dict[str, type[Shape]]:
    shapes: dict[str, type[Shape]] = {"Problem": Problem}
    for one in OPERATIONS.values():
        shapes |= {one.asked.__name__: one.asked, one.answer.__name__: one.answer}
    return shapes


def _spread() -> set[str]:
    """Shapes of arguments of which nothing is left for a body."""
    return {one.asked.__name__ for one in OPERATIONS.values() if not one.has_body}


def _schemas() -> dict[str, JSON]:
    """Every shape's schema by name. Optional arguments are those that may be left out; null is none of them."""
    _, made = models_json_schema([(shape, "validation") for shape in _shapes().values()], ref_template=REF)
    schemas: dict[str, JSON] = made["$defs"]
    for one in OPERATIONS.values():
        asked = schemas[one.asked.__name__]
        for name, schema in asked["properties"].items():
            if schema.get("default", "") is None:
                asked["properties"][name] = _without_null(schema)
    for name in {one.answer.__name__ for one in OPERATIONS.values()}:
        # An answer always has all its fields.
        schemas[name]["required"] = list(schemas[name]["properties"])
    return schemas


def _without_null(schema: dict[str, JSON]) -> dict[str, JSON]:
    (kept,) = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    return {**kept, **{key: value for key, value in schema.items() if key not in ("anyOf", "default")}}


def _operation(one: Operation, schemas: dict[str, JSON]) -> dict[str, JSON]:
    asked = schemas[one.asked.__name__]
    required = asked.get("required", [])
    parameters = [
        {
            "name": name,
            "in": one.place_of(name),
            "required": name in required,
            "description": schema.get("description", schema.get("title", name)),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        | ({"example": one.example[name]} if name in one.example else {})
        for name, schema in asked["properties"].items()
        if one.place_of(name) != "body"
    ]
    made: dict[str, JSON] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": one.description,
        "tags": [one.tag],
        "parameters": parameters + _key_parameter(one),
        "responses": _responses(one),
        "x-countersign-idempotency": one.repeat.value,
        "x-countersign-summary": HEADLINES[one.name][0],
        "x-countersign-consent": HEADLINES[one.name][1],
    }
    if one.name in RECIPIENTS:
        made["x-countersign-recipients"] = list(RECIPIENTS[one.name])
    if one.name in FORESEEN:
        made["x-countersign-preview"] = FORESEEN[one.name]
    if one.name in NAMED:
        made["x-countersign-lookups"] = NAMED[one.name]
    if one.has_body:
        made["requestBody"] = _body(one, schemas)
    if one.touches:
        made["x-countersign-categories"] = list(one.touches)
    if one.repeat is Repeat.KEYED:
        made["x-countersign-key-seconds"] = KEY_SECONDS
    if one.repeat is Repeat.QUERYABLE:
        made["x-countersign-probe"] = {"operation": "find_effect", "key": "key"}
    if undo := undo_of(one):
        made["x-countersign-inverse"] = {"operation": undo.operation, "arguments": dict(undo.arguments)}
        if undo.body:
            made["x-countersign-inverse"]["body"] = undo.body
    return made


def _key_parameter(one: Operation) -> list[dict[str, JSON]]:
    if one.repeat not in (Repeat.KEYED, Repeat.QUERYABLE):
        return []
    text = (
        "Your name for this call. The same call with the same key is done once and answered as before; "
        "another call with the same key is refused with 409. Keys are remembered for 30 days."
        if one.repeat is Repeat.KEYED
        else "Your name for this payment, by which find_effect can be asked whether it was made. "
        "It does not keep a second call from paying again."
    )
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return [{"name": one.key_header, "in": "header", "required": False, "description": text, "schema": schema}]


def _body(one: Operation, schemas: dict[str, JSON]) -> dict[str, JSON]:
    """The body is the shape of the arguments without those that travel in the path."""
    asked = schemas[one.asked.__name__]
    if "properties" in asked:
        for name in one.in_path:
            asked["properties"].pop(name, None)
        if "required" in asked:
            asked["required"] = [name for name in asked["required"] if name not in one.in_path]
            if not asked["required"]:
                del asked["required"]
    value = {name: value for name, value in one.example.items() if name not in one.in_path}
    return {
        "required": "required" in asked,
        "content": {
            "application/json": {
                "schema": {"$ref": REF.format(model=one.asked.__name__)},
                "examples": {"believable": {"summary": one.summary, "value": value}},
            }
        },
    }


def _responses(one: Operation) -> dict[str, JSON]:
    done: dict[str, JSON] = {
        "description": "Done" if one.writes else "Found",
        "content": {"application/json": {"schema": {"$ref": REF.format(model=one.answer.__name__)}}},
    }
    if one.writes:
        text = "Present and true when the call had been done before under this key"
        done["headers"] = {"Idempotent-Replayed": {"description": text, "schema": {"type": "string"}}}
    if undo := undo_of(one):
        done["links"] = {
            "undo": {
                "operationId": undo.operation,
                "parameters": {name: f"$response.body#/{field}" for name, field in undo.arguments.items()},
                "description": f"Take it back with {undo.operation}",
            }
        }
        if undo.body:
            done["links"]["undo"]["requestBody"] = f"$response.body#/{undo.body}"
    problems = [422]
    if one.has_body:
        problems += [400, 413, 415]
    if one.in_path or one.writes:
        problems.append(404)
    if one.writes:
        problems.append(409)
    return {
        str(one.status): done,
        **{str(status): _problem(TITLES[status]) for status in sorted(problems)},
        "default": _problem("Something else went wrong"),
    }


def _problem(description: str) -> dict[str, JSON]:
    schema = {"$ref": REF.format(model="Problem")}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}
