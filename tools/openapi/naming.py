"""Names and sentences for operations: slugs for programs, verbs first for people. Pure."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from tools.openapi.document import clean

LONGEST_NAME = 64
LONGEST_PHRASE = 60
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SENTENCE_END = re.compile(r"[.!?](?:\s+(?=[A-Z])|\s*\Z)|\n")
_IDENTIFIES = re.compile(r"(?:^|_)(?:id|ids|number|email|to|recipient|name|key|code|iban)\Z")
_WORTH = re.compile(r"amount|price|total|quantity|date|reason|subject|status|currency|limit")
_SECRET = re.compile(r"(?:^|_)(?:password|passwd|secret|client_secret|api_key|private_key|cvv|cvc|pin)\Z")
VERBS = {"get": "get", "post": "create", "put": "replace", "patch": "change", "delete": "delete"}
MOST_SHOWN = 4


def slug(text: str) -> str:
    """`cancelOrder` → `cancel_order`; empty where no plain letter is left."""
    if not text.isascii():
        return ""
    name = _NOT_SLUG.sub("_", _HUMP.sub("_", text).lower()).strip("_").lstrip("0123456789_")
    if len(name) > LONGEST_NAME:
        # Cut names stay apart by what was cut off.
        name = f"{name[: LONGEST_NAME - 9].rstrip('_')}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name


def by_route(method: str, path: str) -> str:
    """A name for an operation without one: `DELETE /orders/{id}` → `delete_orders_by_id`."""
    return slug(f"{method}_{path.replace('{', 'by_').replace('}', '')}")


def argument_name(name: str, taken: Mapping[str, Any], place: str) -> str:
    """What an argument is called: as in the document where a template can name it; its place in front of a second one
    of that name, and a number behind a third."""
    plain = name if _FIELD.match(name) else slug(name).replace(".", "_") or "value"
    if plain not in taken:
        return plain
    number, found = 2, f"{place}_{plain}"
    while found in taken:
        found, number = f"{place}_{plain}_{number}", number + 1
    return found


def phrase(operation: Mapping[str, Any], name: str) -> str:
    """What the operation does, in a few words: the first sentence of its summary, or else its name in words."""
    summary = clean(_SENTENCE_END.split(str(operation.get("summary") or ""))[0], 400).rstrip(" .:;,")
    summary = summary.replace("{", "").replace("}", "")
    if not summary or len(summary) > LONGEST_PHRASE or not summary[0].isalpha():
        summary = name.replace("_", " ").replace(".", " ")
    return summary[0].upper() + summary[1:]


def secret(name: str) -> bool:
    """Whether an argument of this name is kept from people."""
    return bool(_SECRET.search(slug(name)))


def templates(doing: str, arguments: Mapping[str, Mapping[str, Any]], required: list[str]) -> tuple[str, str]:
    """The reviewer's headline and the words on the approve button.

    Identifiers come first, then what a decision is usually about; objects are left to the card.
    """
    plain = [name for name in arguments if _plain(arguments[name]) and not secret(name) and _FIELD.match(name)]
    needed = [name for name in plain if name in required]
    identifying = [name for name in needed if _IDENTIFIES.search(name)] or needed[:1]
    telling = [name for name in plain if name not in identifying and (name in needed or _WORTH.search(name))]
    telling.sort(key=lambda name: not _WORTH.search(name))
    first, others = identifying[:1], (identifying[1:] + telling)[: MOST_SHOWN - 1]
    head = f"{doing} {{{first[0]}}}" if first else doing
    rest = ", ".join(f"{name.replace('_', ' ')} {{{name}}}" for name in others)
    summary = f"{head} ({rest})" if rest else head
    # A contract's sentences have an end; the card shows all arguments anyway.
    return (summary if len(summary) <= 300 else head[:300]), (head if len(head) <= 120 else doing)


def _plain(schema: Mapping[str, Any]) -> bool:
    """Whether a value of this kind can be read within a sentence."""
    if schema.get("type") == "array":
        return bool(_plain(schema.get("items", {})))
    return schema.get("type") in {"string", "integer", "number", "boolean"} or "enum" in schema or "anyOf" in schema
