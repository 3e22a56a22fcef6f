"""Which JSON Schemas a tool may declare, and their plain form without references. Pure.

Imported tools bring schemas that strangers wrote. Only keywords that are checked here in a predictable time are
allowed; a word nobody knows is refused instead of ignored, because an ignored rule is a rule the reviewer believes in.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from tools import patterns
from traces.canonical import JSON, BadJSON, at_key, canonical, parse

Schema = dict[str, Any]

LARGEST_SCHEMA = 64_000
"""Bytes of a schema in canonical form."""
DEEPEST = 24
MOST_NODES = 4_000
"""Subschemas once every reference is written out; bounds the time of a validation."""
MOST_BRANCHES = 16
MOST_UNIQUE = 1_000
"""`uniqueItems` compares all pairs, so it needs a `maxItems` no greater than this."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FORMATS = frozenset({"date", "date-time", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"})

_SCHEMAS_BY_NAME = frozenset({"properties", "$defs"})
_ONE_SCHEMA = frozenset({"items", "additionalProperties"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_ASSERTIONS = frozenset(
    {"type", "enum", "const", "required", "pattern", "format", "multipleOf", "uniqueItems"}
    | {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)
_ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "discriminator", "$comment"}
)
_ALLOWED = _SCHEMAS_BY_NAME | _ONE_SCHEMA | _SCHEMA_LISTS | _ASSERTIONS | _ANNOTATIONS | {"$ref", "$schema"}


class Problem(NamedTuple):
    """One thing that is wrong, and where."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def lint(schema: JSON, at: str = "") -> list[Problem]:
    """Everything that keeps `schema` from describing a tool's arguments; empty when it may."""
    try:
        if len(canonical(schema)) > LARGEST_SCHEMA:
            return [Problem(at, f"larger than {LARGEST_SCHEMA} bytes")]
    except BadJSON as error:
        return [Problem(_join(at, error.path), error.reason)]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return [Problem(at, 'must be an object schema ("type": "object")')]
    return list(_not_a_schema(schema, at)) or list(_walk(schema, schema, at, 0)) or list(_too_big(schema, at))


def _not_a_schema(schema: Schema, at: str) -> Iterator[Problem]:
    wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    if wrong is not None:
        for part in wrong.absolute_path:
            at = f"{at}[{part}]" if isinstance(part, int) else at_key(at, part)
        yield Problem(at, f"not a JSON Schema: {wrong.message[:200]}")


def _too_big(schema: Schema, at: str) -> Iterator[Problem]:
    try:
        plain(schema)
    except SchemaTooBig as error:
        yield Problem(at, str(error))


class SchemaTooBig(ValueError):
    """The schema refers to itself, or grows too large once its references are written out."""


def plain(schema: Schema) -> Schema:
    """The schema with every reference written out, which lint has found to be small; cached by content."""
    return _plain(canonical(schema))


@lru_cache(maxsize=512)
def _plain(written: bytes) -> Schema:
    schema = parse(written)
    whole: Schema = _expand(schema, schema.get("$defs", {}), (), [MOST_NODES])
    return whole


def _expand(schema: JSON, definitions: Schema, inside: tuple[str, ...], budget: list[int]) -> JSON:
    if not isinstance(schema, dict):
        return schema
    budget[0] -= 1
    if budget[0] < 0:
        raise SchemaTooBig(f"more than {MOST_NODES} parts once its references are written out")
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name in inside:
            raise SchemaTooBig(f"refers to itself: {' → '.join((*inside, name))}")
        target = _expand(definitions[name], definitions, (*inside, name), budget)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**target, **_expand(beside, definitions, inside, budget)}
    found: Schema = {}
    for key, value in schema.items():
        if key == "$defs":
            continue
        if key == "properties":
            found[key] = {name: _expand(inner, definitions, inside, budget) for name, inner in value.items()}
        elif key in _ONE_SCHEMA:
            found[key] = _expand(value, definitions, inside, budget)
        elif key in _SCHEMA_LISTS:
            found[key] = [_expand(inner, definitions, inside, budget) for inner in value]
        else:
            found[key] = value
    if len(found.get("allOf", ())) == 1:
        (only,) = found.pop("allOf")
        found = {**only, **found}
    return found


def _walk(schema: JSON, root: Schema, path: str, depth: int) -> Iterator[Problem]:
    if not isinstance(schema, dict):
        yield Problem(path, "must be a schema with a type, not true or false")
        return
    if depth > DEEPEST:
        yield Problem(path, f"nested deeper than {DEEPEST} levels")
        return
    for key in schema:
        if key not in _ALLOWED and not key.startswith("x-"):
            yield Problem(at_key(path, key), "this keyword is not allowed")
    yield from _values(schema, root, path)
    for key in _SCHEMAS_BY_NAME & schema.keys():
        for name, inner in schema[key].items():
            yield from _walk(inner, root, at_key(at_key(path, key), name), depth + 1)
    for key in _ONE_SCHEMA & schema.keys():
        if key == "additionalProperties" and schema[key] is False:
            continue
        yield from _walk(schema[key], root, at_key(path, key), depth + 1)
    for key in _SCHEMA_LISTS & schema.keys():
        for index, inner in enumerate(schema[key][: MOST_BRANCHES + 1]):
            yield from _walk(inner, root, f"{at_key(path, key)}[{index}]", depth + 1)


def _values(schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    """What the allowed keywords may say."""
    yield from _references(schema, root, path)
    if "format" in schema and schema["format"] not in FORMATS:
        yield Problem(
            at_key(path, "format"), f"this format is not checked here; known are {', '.join(sorted(FORMATS))}"
        )
    if "pattern" in schema and (why := patterns.complaint(schema["pattern"], schema.get("maxLength"))):
        yield Problem(at_key(path, "pattern"), why)
    if schema.get("uniqueItems") and schema.get("maxItems", MOST_UNIQUE + 1) > MOST_UNIQUE:
        yield Problem(at_key(path, "uniqueItems"), f"needs a maxItems of at most {MOST_UNIQUE}")
    if len(schema.get("allOf", ())) > 1:
        yield Problem(at_key(path, "allOf"), "more than one part; write them as one schema")
    for key in ("anyOf", "oneOf"):
        if len(schema.get(key, ())) > MOST_BRANCHES:
            yield Problem(at_key(path, key), f"more than {MOST_BRANCHES} alternatives")
    if not ({"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"} & schema.keys()):
        yield Problem(path, "says nothing about its type")


def _references(schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    """References stay inside the schema and definitions at its top, so that nothing is ever fetched."""
    reference = schema.get("$ref")
    if reference is not None:
        name = reference.removeprefix("#/$defs/")
        if name == reference or name not in root.get("$defs", {}):
            yield Problem(at_key(path, "$ref"), "only references to this schema's own $defs are allowed")
        elif not isinstance(root["$defs"][name], dict):
            yield Problem(at_key(path, "$ref"), "must refer to a schema with a type")
    if "$schema" in schema and schema["$schema"].rstrip("#") != DIALECT:
        yield Problem(at_key(path, "$schema"), f"must be {DIALECT}")
    if "$defs" in schema and schema is not root:
        yield Problem(at_key(path, "$defs"), "definitions stand at the top of a schema")


def _join(at: str, path: str) -> str:
    return f"{at}{path}" if path.startswith("[") else f"{at}.{path}" if at and path else at or path
