"""Schemas of OpenAPI 3.0 and 3.1 in the dialect that `tools.schemas` allows: closed, without references. Pure.

What cannot be said there is refused with its path instead of left out, because a rule that was dropped is one that
people go on believing in. Left out is only what says nothing about a value: examples, XML names, formats nobody checks;
and, with a note, a `pattern` that could take for ever.
"""

from collections.abc import Mapping
from typing import Any

from tools import patterns
from tools.openapi.document import Document, Unsupported, clean, inside
from tools.schemas import FORMATS, MOST_UNIQUE, Schema

DEEPEST = 20
MOST_PARTS = 2_000
LONGEST_DESCRIPTION = 600
_EXACT = 2**53

PLAIN: Schema = {
    "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}],
}
"""What stands for "anything": one plain value. A tree nobody described cannot be shown to anybody either."""

_SILENT = frozenset(
    {"example", "examples", "xml", "externalDocs", "discriminator", "$comment", "deprecated", "$schema", "$id"}
    | {"readOnly", "writeOnly", "nullable", "contentMediaType", "contentEncoding", "title", "summary"}
)
_COPIED = frozenset(
    {"enum", "const", "required", "pattern", "multipleOf", "uniqueItems", "default", "minimum", "maximum"}
    | {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
    | {"exclusiveMinimum", "exclusiveMaximum"}
)
_HANDLED = frozenset(
    {"$ref", "allOf", "anyOf", "oneOf", "properties", "items", "additionalProperties", "type", "format", "description"}
    | {"prefixItems", "unevaluatedProperties"}
)
_TIGHTER = {"minimum": max, "minLength": max, "minItems": max, "minProperties": max, "exclusiveMinimum": max}
_TIGHTER |= {"maximum": min, "maxLength": min, "maxItems": min, "maxProperties": min, "exclusiveMaximum": min}


class Converter:
    """Converts the schemas of one document; `result` schemas stay open and keep read-only fields."""

    def __init__(self, document: Document, *, result: bool = False) -> None:
        self._document = document
        self._result = result
        self._budget = MOST_PARTS
        self.secrets: list[str] = []
        """Paths of schemas of the format `password`."""
        self.notes: list[str] = []
        """What was left to the service to check."""

    def convert(self, schema: Any, path: str, inside_of: tuple[str, ...] = ()) -> Schema:
        """The schema in our dialect. Raises Unsupported with the path of the first thing that cannot be said."""
        open_form = self._open(schema, path, inside_of)
        return self._closed(open_form)

    def _closed(self, schema: Schema) -> Schema:
        """A finished schema: an object takes no other fields than it names."""
        if not self._result and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False if "properties" in schema else dict(PLAIN))
        return schema

    def _open(self, schema: Any, path: str, inside_of: tuple[str, ...]) -> Schema:
        self._budget -= 1
        if self._budget < 0 or len(inside_of) > DEEPEST or path.count(".") > 8 * DEEPEST:
            raise Unsupported(path, "too large once its references are written out")
        if schema is True or schema == {}:
            return dict(PLAIN)
        if not isinstance(schema, dict):
            raise Unsupported(path, "is not a schema that any value fits")
        if "$ref" in schema:
            return self._referred(schema, path, inside_of)
        self._known(schema, path)
        nullable = self._document.minor == 0 and schema.get("nullable") is True
        found = self._members(schema, path, inside_of)
        for index, part in enumerate(schema.get("allOf", ())):
            here = f"{inside(path, 'allOf')}[{index}]"
            found = merged(found, self._open(part, here, inside_of), here)
        found = self._alternatives(found, schema, path, inside_of)
        return nullified(found) if nullable else found

    def _referred(self, schema: Mapping[str, Any], path: str, inside_of: tuple[str, ...]) -> Schema:
        reference = schema["$ref"]
        if reference in inside_of:
            raise Unsupported(path, f"refers to itself by way of {clean(reference, 120)}")
        found = self._open(self._document.at(reference, path), path, (*inside_of, reference))
        # 3.0 ignores whatever stands beside a reference; 3.1 means it.
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if self._document.minor == 0:
            beside = {key: value for key, value in beside.items() if key == "description"}
        words = clean(beside.pop("description", ""), LONGEST_DESCRIPTION)
        beside = {key: value for key, value in beside.items() if key not in _SILENT}
        if beside:
            found = merged(found, self._open(beside, path, inside_of), path)
        return {**found, "description": words} if words else found

    @staticmethod
    def _known(schema: Mapping[str, Any], path: str) -> None:
        for key in schema:
            if key not in _SILENT | _COPIED | _HANDLED and not key.startswith("x-"):
                raise Unsupported(inside(path, key), "this keyword cannot be checked here")
        if schema.get("unevaluatedProperties", False) is not False:
            raise Unsupported(inside(path, "unevaluatedProperties"), "this keyword cannot be checked here")

    def _members(self, schema: Mapping[str, Any], path: str, inside_of: tuple[str, ...]) -> Schema:
        found: Schema = {key: schema[key] for key in _COPIED & schema.keys()}
        if words := clean(schema.get("description"), LONGEST_DESCRIPTION):
            found["description"] = words
        _bounds(found)
        if "pattern" in found and (why := patterns.complaint(found["pattern"], found.get("maxLength"))):
            del found["pattern"]
            self.notes.append(f"{inside(path, 'pattern')} is left to the service: {why}")
        if "properties" in schema:
            self._properties(schema, found, path, inside_of)
        if "items" in schema:
            found["items"] = self.convert(schema["items"], inside(path, "items"), inside_of)
        if "prefixItems" in schema:
            found["prefixItems"] = [
                self.convert(part, f"{inside(path, 'prefixItems')}[{index}]", inside_of)
                for index, part in enumerate(schema["prefixItems"])
            ]
        others = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
        if isinstance(others, dict) and others:
            found["additionalProperties"] = self.convert(others, inside(path, "additionalProperties"), inside_of)
        elif others is False and not self._result:
            found["additionalProperties"] = False
        self._format(schema, found, path)
        return self._typed(schema, found, path)

    def _properties(self, schema: Mapping[str, Any], found: Schema, path: str, inside_of: tuple[str, ...]) -> None:
        """The fields that go this way: read-only ones are never sent, write-only ones never come back."""
        hidden = "writeOnly" if self._result else "readOnly"
        kept: dict[str, Schema] = {}
        for name, inner in schema["properties"].items():
            here = inside(path, name)
            followed = self._document.follow(inner, here)
            if isinstance(followed, dict) and (followed.get(hidden) is True or inner.get(hidden) is True):
                continue
            kept[name] = self.convert(inner, here, inside_of)
        found["properties"] = kept
        required = found.get("required")
        if isinstance(required, list):
            gone = schema["properties"].keys() - kept.keys()
            found["required"] = [name for name in required if name not in gone]

    def _format(self, schema: Mapping[str, Any], found: Schema, path: str) -> None:
        form = schema.get("format")
        if form == "binary":
            raise Unsupported(path, "a file cannot be sent as JSON")
        if form == "password":
            self.secrets.append(path)
        if form in FORMATS and not self._result:
            found["format"] = form

    def _typed(self, schema: Mapping[str, Any], found: Schema, path: str) -> Schema:
        """With exactly one type, or a choice between several; types that are only implied are written out."""
        kinds = schema.get("type")
        if kinds is None:
            implied = {"object": {"properties", "additionalProperties", "required"}, "array": {"items", "prefixItems"}}
            implied |= {"string": {"pattern", "minLength", "maxLength", "format"}}
            kinds = next((kind for kind, words in implied.items() if words & found.keys()), None)
        if isinstance(kinds, str):
            return self._one_type(kinds, found)
        if isinstance(kinds, list) and kinds and all(isinstance(kind, str) for kind in kinds):
            if len(kinds) == 1:
                return self._one_type(kinds[0], found)
            outside: Schema = {key: found.pop(key) for key in ("description", "default") if key in found}
            values = found.get("enum")
            real = [kind for kind in kinds if kind != "null"]
            if values is not None and len(real) == 1:
                found["enum"] = [value for value in values if value is not None]
            forms = [self._closed(self._one_type(kind, _about(kind, found))) for kind in real]
            return {**outside, "anyOf": forms + [{"type": "null"}] * ("null" in kinds)}
        if kinds is not None:
            raise Unsupported(inside(path, "type"), "is not a type")
        if not {"enum", "const", "allOf", "anyOf", "oneOf"} & schema.keys():
            return {**PLAIN, **found}
        return found

    @staticmethod
    def _one_type(kind: str, found: Schema) -> Schema:
        if kind == "array":
            found.setdefault("items", dict(PLAIN))
            if found.get("uniqueItems"):
                found["maxItems"] = min(found.get("maxItems", MOST_UNIQUE), MOST_UNIQUE)
        return {"type": kind, **found}

    def _alternatives(self, found: Schema, schema: Mapping[str, Any], path: str, inside_of: tuple[str, ...]) -> Schema:
        for key in ("anyOf", "oneOf"):
            if key not in schema:
                continue
            said = {word: value for word, value in found.items() if word not in {"description", "default"}}
            outside = {word: value for word, value in found.items() if word in {"description", "default"}}
            if {"anyOf", "oneOf"} & said.keys():
                raise Unsupported(inside(path, key), "a choice within a choice")
            forms = []
            for index, part in enumerate(schema[key]):
                here = f"{inside(path, key)}[{index}]"
                form = self._open(part, here, inside_of)
                # What stands beside the choice holds for each of its forms.
                forms.append(self._closed(form if form == {"type": "null"} else merged(said, form, here)))
            found = {**outside, key: forms}
        return found


def merged(one: Schema, other: Schema, path: str) -> Schema:
    """What fits both schemas. Raises Unsupported where that cannot be written as one."""
    found = dict(one)
    for key, value in other.items():
        if key not in found or found[key] == value or key in {"description", "default"}:
            found[key] = value
        elif key == "properties":
            fields = dict(found[key])
            for name, inner in value.items():
                fields[name] = merged(fields[name], inner, inside(path, name)) if name in fields else inner
            found[key] = fields
        elif key == "required":
            found[key] = list(dict.fromkeys([*found[key], *value]))
        elif key == "enum":
            found[key] = [item for item in found[key] if item in value]
            if not found[key]:
                raise Unsupported(path, "no value fits all of its parts")
        elif key in _TIGHTER:
            found[key] = _TIGHTER[key](found[key], value)
        elif key == "additionalProperties":
            found[key] = False if False in (found[key], value) else merged(found[key], value, inside(path, key))
        elif key == "items":
            found[key] = merged(found[key], value, inside(path, key))
        else:
            raise Unsupported(inside(path, key), "its parts say different things")
    return found


def nullified(schema: Schema) -> Schema:
    """The schema, or null."""
    outside: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in outside}
    if rest.get("type") == "object":
        rest.setdefault("additionalProperties", False if "properties" in rest else dict(PLAIN))
    if isinstance(rest.get("enum"), list):
        rest["enum"] = [value for value in rest["enum"] if value is not None]
    forms = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**outside, "anyOf": [*forms, *([] if {"type": "null"} in forms else [{"type": "null"}])]}


def _about(kind: str, found: Schema) -> Schema:
    """The rules of a schema of several types that speak about one of them."""
    words = {
        "string": {"pattern", "minLength", "maxLength", "format"},
        "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
        "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
    }
    numbers = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    own = words.get(kind, numbers if kind in {"integer", "number"} else set()) | {"enum", "const"}
    return {key: value for key, value in found.items() if key in own}


def _bounds(found: Schema) -> None:
    """3.0's exclusive bounds as numbers; bounds beyond any number that can be sent are none."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and bound in found:
            found[exclusive] = found.pop(bound)
        for key in (exclusive, bound):
            value = found.get(key)
            if isinstance(value, int | float) and abs(value) >= _EXACT:
                outward = (value < 0) == (bound == "minimum")
                if outward:
                    del found[key]
