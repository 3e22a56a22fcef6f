"""Turns a tool's argument schema into one that a model can be held to while it writes, or says that this cannot be.

Strict means: every object closed, every property required, optional ones nullable, references resolved, and only words
that OpenAI's structured outputs, llama.cpp and vLLM all understand. What is left out (lengths, `not`, conditions) only
widens what may be written; the answer is judged by the tool's own schema afterwards. Pure.
"""

from collections.abc import Mapping
from typing import Any

from traces.canonical import JSON

Schema = dict[str, Any]

DEEPEST = 6
"""Levels inside the arguments; OpenAI allows ten in all and the intent around them takes four."""
LARGEST = 2_000
"""Schemas visited for one tool: references that repeat one another grow without end."""
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
NUMERIC = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})


class NotStrict(Exception):
    """The schema leaves something open, so the arguments travel as JSON inside a string."""


class Resolver:
    """Looks up references and merges `allOf` within one root schema, counting so that no schema costs too much."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.visited = 0

    def plain(self, schema: JSON, seen: tuple[str, ...] = ()) -> tuple[Schema, tuple[str, ...]]:
        """The schema with its own `$ref` and `allOf` folded in, and the references passed on the way to it."""
        self.visited += 1
        if self.visited > LARGEST:
            raise NotStrict("too large")
        if not isinstance(schema, Mapping):
            raise NotStrict("open")
        found = dict(schema)
        while "$ref" in found:
            reference = found.pop("$ref")
            if reference in seen:
                raise NotStrict("refers to itself")
            seen = (*seen, reference)
            found = merged(dict(self.target(reference)), found)
        for part in found.pop("allOf", ()):
            inner, seen = self.plain(part, seen)
            found = merged(inner, found)
        return found, seen

    def target(self, reference: JSON) -> Mapping[str, Any]:
        """What a `#/…` reference points at; anything else is not followed."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise NotStrict("refers outside")
        node: Any = self.root
        for escaped in reference[1:].strip("/").split("/") if reference != "#" else ():
            step = escaped.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                raise NotStrict("refers to nothing")
        if not isinstance(node, Mapping):
            raise NotStrict("refers to nothing")
        return node


def merged(below: Schema, above: Schema) -> Schema:
    """Both schemas at once; words of which only one can be kept must agree, prose excepted."""
    out = {**below, **above}
    for word in below.keys() & above.keys():
        one, two = below[word], above[word]
        if word in ("properties", "$defs"):
            both = {
                name: {"allOf": [one[name], two[name]]} for name in one.keys() & two.keys() if one[name] != two[name]
            }
            out[word] = {**one, **two, **both}
        elif word == "required":
            out[word] = list(dict.fromkeys([*one, *two]))
        elif word == "allOf":
            out[word] = [*one, *two]
        elif one != two and word not in ("title", "description", "default", "examples"):
            raise NotStrict(f"{word} is said twice")
    return out


def strict(schema: Mapping[str, Any]) -> Schema:
    """The strict form of a tool's argument schema, or NotStrict."""
    resolver = Resolver(schema)
    found, seen = resolver.plain(schema)
    if "properties" not in found and found.get("additionalProperties") in (None, False):
        found["properties"] = {}  # the usual way to say "no arguments"
    found.setdefault("type", "object")
    if found["type"] != "object" or "anyOf" in found or "oneOf" in found:
        raise NotStrict("not one object")
    return _object(resolver, found, seen, 0)


def nullable(schema: Schema) -> Schema:
    """The schema or null: how an optional property is left out, since strict schemas require every property."""
    if (
        isinstance(schema.get("type"), str)
        and schema["type"] in SCALARS - {"null"}
        and not schema.keys() & {"enum", "const"}
    ):
        return {**schema, "type": [schema["type"], "null"]}
    if "anyOf" in schema:
        branches = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
        return {**schema, "anyOf": [*branches, {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _strict(resolver: Resolver, schema: JSON, seen: tuple[str, ...], depth: int) -> Schema:
    if depth > DEEPEST:
        raise NotStrict("too deep")
    found, seen = resolver.plain(schema, seen)
    if "const" in found or "enum" in found:
        return _values(found)
    word = "anyOf" if "anyOf" in found else "oneOf"
    if word in found:
        around = {key: value for key, value in found.items() if key not in (word, "discriminator", "default")}
        branches = [{"allOf": [around, branch]} if _binding(around) else branch for branch in found[word]]
        return {"anyOf": [_strict(resolver, branch, seen, depth + 1) for branch in branches]}
    kind = found.get("type", "object" if "properties" in found else "array" if "items" in found else None)
    if isinstance(kind, list):
        return {"anyOf": [_strict(resolver, {**found, "type": one}, seen, depth) for one in kind]}
    if kind == "object":
        return _object(resolver, found, seen, depth)
    return _array(resolver, found, seen, depth) if kind == "array" else _scalar(kind, found)


def _array(resolver: Resolver, found: Schema, seen: tuple[str, ...], depth: int) -> Schema:
    if "items" not in found or "prefixItems" in found or isinstance(found["items"], list):
        raise NotStrict("items of any kind")
    sizes: Schema = {word: found[word] for word in ("minItems", "maxItems") if word in found}
    return {"type": "array", "items": _strict(resolver, found["items"], seen, depth + 1), **sizes}


def _scalar(kind: JSON, found: Schema) -> Schema:
    if not isinstance(kind, str) or kind not in SCALARS:
        raise NotStrict("of any kind")
    out: Schema = {"type": kind}
    if kind in ("integer", "number"):
        out |= {word: found[word] for word in NUMERIC if _plain_number(found.get(word))}
    if kind == "string":
        if found.get("format") in FORMATS:
            out["format"] = found["format"]
        pattern = found.get("pattern")
        # Grammars know neither look-around nor back-references nor word boundaries.
        if isinstance(pattern, str) and "(?" not in pattern and not any(f"\\{c}" in pattern for c in "bBpP123456789"):
            out["pattern"] = pattern
    return out


def _binding(around: Schema) -> bool:
    """Whether the words beside an `anyOf` say anything about the value."""
    return bool(around.keys() - {"title", "description", "examples", "$defs", "definitions"})


def _plain_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(found: Schema) -> Schema:
    values = [found["const"]] if "const" in found else list(found["enum"])
    if not values or any(isinstance(value, dict | list) for value in values):
        raise NotStrict("values that are not plain")
    kinds = sorted({_kind(value) for value in values})
    return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": values}


def _kind(value: JSON) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "null" if value is None else "string" if isinstance(value, str) else "number"


def _object(resolver: Resolver, found: Schema, seen: tuple[str, ...], depth: int) -> Schema:
    properties = found.get("properties")
    if properties is None or found.get("additionalProperties", False) is not False or "patternProperties" in found:
        raise NotStrict("keys of any name")
    needed = set(found.get("required", ()))
    if needed - properties.keys():
        raise NotStrict("requires what it does not describe")
    out: Schema = {}
    for name, inner in properties.items():
        one = _strict(resolver, inner, seen, depth + 1)
        out[name] = one if name in needed else nullable(one)
    return {"type": "object", "properties": out, "required": list(out), "additionalProperties": False}


def without_left_out(schema: Mapping[str, Any], value: JSON) -> JSON:
    """`value` with the nulls of optional properties taken out again, as `schema` (the tool's own) has them."""
    return _restored(Resolver(schema), schema, value, ())


def _restored(resolver: Resolver, schema: JSON, value: JSON, seen: tuple[str, ...]) -> JSON:
    if not isinstance(value, dict | list):
        return value
    resolver.visited = 0  # the value bounds this walk, not the schema
    try:
        found, _ = resolver.plain(schema)
    except NotStrict:
        return value
    branches = found.get("anyOf") or found.get("oneOf")
    if branches:
        fitting = [_restored(resolver, branch, value, seen) for branch in branches]
        return next((one for branch, one in zip(branches, fitting, strict=True) if _fits(resolver, branch, one)), value)
    if isinstance(value, list):
        return [_restored(resolver, found.get("items", True), item, seen) for item in value]
    properties = found.get("properties", {})
    needed = found.get("required", ())
    return {
        name: _restored(resolver, properties.get(name, True), inner, seen)
        for name, inner in value.items()
        if inner is not None or name not in properties or name in needed
    }


def _fits(resolver: Resolver, branch: JSON, value: JSON) -> bool:
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # Evolved from the root, so that the branch's references are looked up there; the empty registry fetches nothing.
    rooted = Draft202012Validator(dict(resolver.root), registry=Registry())
    try:
        return bool(rooted.evolve(schema=branch).is_valid(value))
    except Unresolvable:
        return False
