"""A document as it was written: read strictly, with references that stay inside it. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote, urljoin

from tools.egress import EgressRefused, target
from tools.text import is_odd
from traces.canonical import at_key
from traces.exceptions import DomainError

LARGEST = 8_000_000
"""Characters of a document."""
DEEPEST = 80
_VERSION = re.compile(r"3\.([01])(?:\.[0-9]+)?\Z")
_VARIABLE = re.compile(r"\{([^{}]+)\}")


class DocumentRefused(DomainError):
    """This is not an OpenAPI document that can be imported."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "document_invalid"


class Unsupported(Exception):
    """Something at `path` of the document cannot be said in a tool's contract; its operation is left out."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}" if path else message)


@dataclass(frozen=True, slots=True)
class Document:
    """A read document."""

    whole: Mapping[str, Any]
    minor: int
    """0 for OpenAPI 3.0, 1 for 3.1."""

    @property
    def title(self) -> str:
        """What the service calls itself; it tells an update of a tool from another service's tool of that name."""
        info = self.whole.get("info")
        return clean(info.get("title", "") if isinstance(info, dict) else "", 120) or "untitled"

    def follow(self, value: Any, path: str) -> Any:
        """The value, or what its reference stands for. Raises Unsupported for references out of the document."""
        seen: list[str] = []
        while isinstance(value, dict) and "$ref" in value:
            reference = value["$ref"]
            if reference in seen:
                raise Unsupported(path, "a reference leads back to itself")
            seen.append(reference)
            value = self.at(reference, path)
        return value

    def at(self, reference: Any, path: str) -> Any:
        """What a local reference points at. Raises Unsupported."""
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise Unsupported(path, "refers to another document; nothing is fetched")
        found: Any = self.whole
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(found):
                found = found[int(key)]
            else:
                raise Unsupported(path, f"refers to {clean(reference, 120)}, which is not there")
        return found


def read(text: str) -> Document:
    """Read JSON or YAML. Raises DocumentRefused."""
    if len(text) > LARGEST:
        raise DocumentRefused(f"The document is longer than {LARGEST} characters.")
    try:
        whole = _json(text) if text.lstrip("\ufeff \t\r\n").startswith("{") else _yaml(text)
    except RecursionError:
        raise DocumentRefused(f"The document is nested deeper than {DEEPEST} levels.") from None
    if not isinstance(whole, dict):
        raise DocumentRefused("The document is not an object.")
    _measure(whole, 0)
    version = whole.get("openapi")
    found = _VERSION.match(version) if isinstance(version, str) else None
    if found is None:
        said = clean(str(version or whole.get("swagger") or "nothing"), 20)
        raise DocumentRefused(f"The document must be OpenAPI 3.0 or 3.1; it says {said}.")
    if not isinstance(whole.get("paths", {}), dict):
        raise DocumentRefused("The document's paths are not an object.")
    return Document(whole, int(found[1]))


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise DocumentRefused("The document says one thing twice in one object.")
        return found

    def never(word: str) -> Any:
        raise DocumentRefused(f"The document holds {word}, which is not JSON.")

    try:
        return json.loads(text.lstrip("\ufeff"), object_pairs_hook=once, parse_constant=never)
    except ValueError as error:
        raise DocumentRefused(f"The document is not JSON: {str(error)[:120]}.") from None


def _yaml(text: str) -> Any:
    import yaml

    class Plain(yaml.SafeLoader):
        """YAML without aliases, which can make a page stand for gigabytes, and without dates."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise DocumentRefused("The document uses YAML aliases.")
            return super().compose_node(parent, index)

    Plain.yaml_implicit_resolvers = {
        first: [(tag, match) for tag, match in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        # Keys may be numbers in YAML (a response's status), and are text everywhere else.
        return json.loads(json.dumps(yaml.load(text, Plain)))  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DocumentRefused(f"The document is neither JSON nor YAML: {str(error)[:120]}.") from None


def _measure(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise DocumentRefused(f"The document is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _measure(inner, depth + 1)


def server_of(document: Document, holders: tuple[Mapping[str, Any], ...], base: str) -> str:
    """The address that an operation's path is put behind: the innermost `servers` that there is.

    `base` is where the document came from, or what the administrator says instead. Raises Unsupported.
    """
    for holder in (*holders, document.whole):
        servers = holder.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], dict):
            address = _VARIABLE.sub(lambda match, of=servers[0]: _default(of, match[1]), str(servers[0].get("url", "")))  # type: ignore[misc]
            break
    else:
        address = "/"
    address = urljoin(base, address).rstrip("/")
    try:
        found = target(address)
    except EgressRefused as refused:
        raise Unsupported("servers", f"{clean(address, 120) or 'nothing'}: {refused.message}") from None
    if "?" in found.rest:
        raise Unsupported("servers", "a server's address has no query")
    return address


def _default(server: Mapping[str, Any], name: str) -> str:
    variable = (server.get("variables") or {}).get(name)
    return str(variable.get("default", "")) if isinstance(variable, dict) else ""


def clean(text: Any, limit: int) -> str:
    """A stranger's words on one line, without characters that lie."""
    if not isinstance(text, str):
        return ""
    shown = " ".join("".join(c for c in text if c in "\n\t\r" or not is_odd(c)).split())
    return shown if len(shown) <= limit else f"{shown[: limit - 1].rstrip()}…"


def inside(path: str, key: str) -> str:
    """The path of a member."""
    return at_key(path, key)
