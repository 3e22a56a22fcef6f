"""Parameters in path, query, header and body as one flat list of arguments, and where each of them goes. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tools.openapi.document import Document, Unsupported, clean, inside
from tools.openapi.naming import argument_name
from tools.openapi.schemas import LONGEST_DESCRIPTION, Converter
from tools.schemas import Schema

KEY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})
_NOT_PARAMETERS = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI says that parameters of these names mean nothing."""
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "cookie"}
    | {"accept-encoding", "keep-alive", "user-agent", "proxy-authorization", "proxy-connection", "forwarded", "via"}
    | {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-http-method-override"}
)
"""Headers that say how a request travels or on whose behalf; no argument writes them."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"/[!$&'()*+,;=:@A-Za-z0-9._~/%{}-]*\Z")
_PLAIN = {"string", "integer", "number", "boolean"}
MOST_ARGUMENTS = 100


class Arguments:
    """The arguments of one operation, gathered."""

    def __init__(self, key_header: str = "") -> None:
        """`key_header` names one more header that carries the key, in lower case."""
        self._key_headers = KEY_HEADERS | {key_header}
        self.properties: dict[str, Schema] = {}
        self.required: list[str] = []
        self.placed: list[dict[str, Any]] = []
        """The binding's parameters."""
        self.extras: dict[str, Any] = {}
        """The binding's body and key header, where there are any."""
        self._came_from: dict[str, str] = {}

    def schema(self) -> Schema:
        """The arguments' schema. Raises Unsupported for too many."""
        if len(self.properties) > MOST_ARGUMENTS:
            raise Unsupported("", f"has {len(self.properties)} arguments; the limit is {MOST_ARGUMENTS}")
        found: Schema = {"type": "object", "properties": self.properties, "additionalProperties": False}
        return {**found, "required": self.required} if self.required else found

    def argument_at(self, path: str) -> str | None:
        """The argument that a part of the document became, for a part at or below it."""
        for begins, name in self._came_from.items():
            if path == begins or path.startswith((f"{begins}.", f"{begins}[")):
                return name
        return None

    def _add(self, name: str, place: str, schema: Schema, path: str, *, required: bool) -> str:
        argument = argument_name(name, self.properties, place)
        self.properties[argument] = schema
        self._came_from[path] = argument
        if required:
            self.required.append(argument)
        return argument

    def parameters(self, document: Document, converter: Converter, path: str, declared: Iterable[Any]) -> None:
        """Take path, query and header parameters; an operation's own replace its path's. Raises Unsupported."""
        found: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        for index, value in enumerate(declared):
            at = f"parameters[{index}]"
            parameter = document.follow(value, at)
            found[parameter["in"], parameter["name"]] = (parameter, at)
        for (place, name), (parameter, at) in found.items():
            if place == "cookie":
                raise Unsupported(at, "cookies are not sent")
            if place not in {"path", "query", "header"}:
                raise Unsupported(at, f"a parameter in {clean(place, 20)}")
            if place == "header" and name.lower() in self._key_headers:
                self.extras["key_header"] = name
            elif place != "header" or name.lower() not in _NOT_PARAMETERS:
                self._parameter(converter, parameter, name, place, at)
        named = _PLACEHOLDER.findall(path)
        placed = [p["name"] for p in self.placed if p["in"] == "path"]
        if not _PATH.match(path) or sorted(named) != sorted(placed):
            raise Unsupported("path", "its placeholders and its parameters are not the same")

    def _parameter(self, converter: Converter, parameter: Mapping[str, Any], name: str, place: str, at: str) -> None:
        if "schema" not in parameter:
            raise Unsupported(at, "has no schema")
        required = place == "path" or parameter.get("required") is True
        if place == "header" and (name.lower() in _OURS or not _TOKEN.match(name)):
            if required:
                raise Unsupported(at, f"the header {clean(name, 40)} is not an argument's to write")
            return
        schema = converter.convert(parameter["schema"], at)
        self._style(parameter, schema, place, at)
        words = clean(parameter.get("description"), LONGEST_DESCRIPTION)
        if words:
            schema = {**schema, "description": words}
        argument = self._add(name, place, schema, at, required=required)
        placed: dict[str, Any] = {"argument": argument, "name": name, "in": place}
        if place == "query" and parameter.get("explode") is False:
            placed["explode"] = False
        self.placed.append(placed)

    @staticmethod
    def _style(parameter: Mapping[str, Any], schema: Schema, place: str, at: str) -> None:
        """Only the ways of writing a value that have one reading are used."""
        style = parameter.get("style", "form" if place == "query" else "simple")
        if style != ("form" if place == "query" else "simple") or parameter.get("allowReserved"):
            raise Unsupported(at, f"the style {clean(style, 20)} is not written here")
        if any(not _writable(form, lists=place == "query") for form in _forms(schema)):
            raise Unsupported(at, "only plain values, and lists of them in a query, are written into an address")

    def body(self, document: Document, converter: Converter, operation: Mapping[str, Any], method: str) -> None:
        """Take a JSON body: its fields become arguments, or the whole one where it is no plain object."""
        if "requestBody" not in operation:
            return
        declared = document.follow(operation["requestBody"], "requestBody")
        content: Mapping[str, Any] = declared.get("content") or {}
        kind = next((k for k in content if k.split(";")[0].strip().lower() == "application/json"), None)
        if kind is None:
            kinds = ", ".join(clean(k, 60) for k in content) or "nothing"
            raise Unsupported("requestBody", f"takes {kinds}; only application/json is sent")
        if method == "get":
            raise Unsupported("requestBody", "a GET with a body means nothing to HTTP")
        at = "requestBody"
        required = declared.get("required") is True
        schema = converter.convert(content[kind].get("schema", True), at)
        # What is said of the fields together cannot be said of them among other arguments.
        together = {"minProperties", "maxProperties", "anyOf", "oneOf", "enum", "const"} & schema.keys()
        if "properties" in schema and schema.get("additionalProperties") is False and not together:
            self._fields(schema, at, required=required)
            return
        argument = self._add("body", "body", schema, at, required=required)
        self.extras["body"] = {"whole": argument, "required": required}

    def _fields(self, schema: Schema, at: str, *, required: bool) -> None:
        needed = schema.get("required", [])
        if needed and not required:
            # "No body, or one with these fields" is two shapes; the fuller one is asked for.
            required = True
        fields: dict[str, str] = {}
        for name, inner in schema["properties"].items():
            argument = self._add(name, "body", inner, inside(at, name), required=name in needed)
            fields[argument] = name
        self.extras["body"] = {"fields": fields, "required": required}


def credentials(document: Document, operation: Mapping[str, Any]) -> list[dict[str, str]]:
    """The header slots that an operation's security asks for. Raises Unsupported where headers alone do not do."""
    asked = operation.get("security", document.whole.get("security"))
    if not asked:
        return []
    schemes = (document.whole.get("components") or {}).get("securitySchemes") or {}
    problem = "no way of signing in that is known here"
    for choice in asked:
        try:
            return [_slot(document, schemes[name], name) for name in choice]
        except Unsupported as unsupported:
            problem = unsupported.message
        except KeyError:
            continue
    raise Unsupported("security", problem)


def _slot(document: Document, declared: Any, name: str) -> dict[str, str]:
    scheme = document.follow(declared, "security")
    kind, way = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    if kind == "apiKey" and scheme.get("in") == "header" and _TOKEN.match(scheme["name"]):
        if scheme["name"].lower() in _OURS:
            raise Unsupported("security", f"the header {clean(scheme['name'], 40)} is not a credential's to write")
        return {"header": scheme["name"], "prefix": "", "name": name}
    if kind in {"oauth2", "openIdConnect"} or (kind == "http" and way == "bearer"):
        return {"header": "Authorization", "prefix": "Bearer ", "name": name}
    if kind == "http" and way == "basic":
        return {"header": "Authorization", "prefix": "Basic ", "name": name}
    raise Unsupported("security", "credentials are only put into headers")


def _forms(schema: Schema) -> list[Schema]:
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())] or [schema]


def _writable(form: Schema, *, lists: bool) -> bool:
    kind = form.get("type")
    if kind in _PLAIN or kind == "null" or (kind is None and ("enum" in form or "const" in form)):
        return True
    return lists and kind == "array" and all(inner.get("type") in _PLAIN for inner in _forms(form.get("items", {})))
