"""Tools that are operations of an HTTP service. What was prepared, hashed and shown is sent, and nothing else.

The binding (written by the importer, `tools.openapi`) says where each argument goes:

    {"document": "Orders", "operation": "cancelOrder", "method": "POST", "server": "https://orders.example/v1",
     "path": "/orders/{id}/cancel",
     "parameters": [{"argument": "id", "name": "id", "in": "path"},
                    {"argument": "expand", "name": "expand", "in": "query", "explode": true}],
     "body": {"fields": {"reason": "reason"}, "required": true},      or {"whole": "items", "required": true}
     "key_header": "Idempotency-Key",                                 only where the operation declares one
     "credentials": [{"header": "Authorization", "prefix": "Bearer ", "name": "orders"}],
     "probe": {"path": "/effects/{key}", "happened": "happened", "answer": "answer"},
     "preview": {…}, "lookups": {…},                                  see `tools.connectors.http_preview`
     "verify": {…}}                                                   see `tools.connectors.http_verify`

Two things are added when sending, both outside the hash because neither is the agent's to choose: the idempotency key,
which is a function of run and step, and the organization's credentials, which go into declared header slots only.
Arguments are never templates: what looks like one stays text.
"""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from django.conf import settings

from tools.arguments import ArgumentsRefused, Problem
from tools.connecting import Call
from tools.contract import Contract, Error, IdempotencyClass, Outcome, OutcomeStatus, Tier
from tools.egress import target
from tools.previews import Look, Preview
from tools.text import control_characters
from tools.verifying import Verified
from traces.canonical import JSON, canonical

Credentials = Callable[[uuid.UUID, str], str | None]
"""The secret of an organization for a named slot, or None where it has none."""

SAFE = frozenset({"GET", "HEAD"})
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?\Z")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def _none(_organization: uuid.UUID, _slot: str) -> str | None:
    """No organization has credentials yet."""
    return None


class HttpConnector:
    """Reaches operations of HTTP services, under the rules of `tools.egress`."""

    def __init__(self, credentials: Credentials = _none) -> None:
        self._credentials = credentials

    def prepare(self, contract: Contract, arguments: Mapping[str, JSON]) -> JSON:
        """Method, address, headers and body, without key and credentials. Pure.

        Raises ArgumentsRefused for a value that cannot stand where it belongs without changing what is asked.
        """
        binding: dict[str, Any] = contract.binding
        path: dict[str, str] = {}
        query: list[tuple[str, str]] = []
        headers: dict[str, str] = {"Accept": "application/json"}
        for parameter in binding.get("parameters", ()):
            value = arguments.get(parameter["argument"])
            at, name = f"arguments.{parameter['argument']}", parameter["name"]
            if value is None:
                if parameter["in"] == "path":
                    raise _refused(at, "is a part of the address and must be given")
                continue
            if parameter["in"] == "path":
                path[name] = _in_path(value, at)
            elif parameter["in"] == "query":
                query += _in_query(name, value, parameter)
            else:
                headers[name] = _in_header(value, at)
        url = binding["server"].rstrip("/") + _filled(binding["path"], path)
        if query:
            url += "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
        request: dict[str, JSON] = {"method": binding["method"], "url": url, "headers": headers}
        body = _body(binding.get("body"), arguments)
        if body is not None:
            headers["Content-Type"] = "application/json"
            request["body"] = body[0]
        return request

    def call(self, contract: Contract, call: Call) -> Outcome:
        """Send the request, once. Never raises; what went wrong is a row of `http_table`."""
        return self._send(contract, call, call.request)

    def probe(self, contract: Contract, call: Call) -> Outcome | None:
        """What became of the key, where the binding says whom to ask. Nothing of the kind is known: None."""
        asked: dict[str, Any] | None = contract.binding.get("probe")
        if asked is None:
            return Outcome.uncertain("no_probe", "The tool cannot be asked.")
        path = _filled(asked["path"], {"key": quote(call.key, safe="")})
        url = str(contract.binding["server"]).rstrip("/") + path
        request = {"method": "GET", "url": url, "headers": {"Accept": "application/json"}}
        found = self._send(contract, call, request)
        if found.evidence.get("http_status") == 404:
            return None
        if found.status is not OutcomeStatus.DONE:
            return Outcome.uncertain("probe_failed", f"Asking failed: {found.error.text if found.error else ''}"[:600])
        result = found.result
        if "happened" in asked:
            happened = result.get(asked["happened"]) if isinstance(result, dict) else None
            if happened is False:
                return None
            if happened is not True:
                return Outcome.uncertain("probe_failed", "Asked, the tool did not say whether it happened.")
            result = result.get(asked["answer"]) if "answer" in asked else result
        return Outcome(OutcomeStatus.DONE, result=result, sent=True, evidence={**found.evidence, "probed": True})

    def preview(self, contract: Contract, asked: Look) -> Preview:
        """What the binding's reading operation says of the call, and the names behind its identifiers."""
        from tools.connectors import http_preview

        deadline = time.monotonic() + contract.timeout

        def left() -> float:
            return deadline - time.monotonic()

        nothing = Call(asked.organization, asked.run, asked.action, key="", request=None)

        def ask(part: Mapping[str, Any], arguments: Mapping[str, JSON]) -> Outcome:
            return self._read(contract, nothing, part, arguments, seconds=left())

        return http_preview.preview(contract.binding, asked, ask, seconds=left)

    def verify(self, contract: Contract, call: Call, answer: JSON) -> Verified:
        """What the binding's reading operation says of the effect, after the call."""
        from tools.connectors import http_verify

        nothing = replace(call, key="", request=None)

        def ask(part: Mapping[str, Any], arguments: Mapping[str, JSON]) -> Outcome:
            return self._read(contract, nothing, part, arguments, seconds=contract.timeout)

        return http_verify.verify(contract.binding, call.arguments, answer, ask)

    def _read(
        self, contract: Contract, nothing: Call, part: Mapping[str, Any], arguments: Mapping[str, JSON], seconds: float
    ) -> Outcome:
        """Send a reading operation. No key: nothing is done under it. It is not repeated, and none of the call's
        attempts.
        """
        binding: dict[str, Any] = contract.binding
        bound = {"server": binding["server"], "credentials": binding.get("credentials", ()), **part}
        reading = replace(contract, binding=bound, tier=Tier.READ, timeout=seconds)
        return self._send(reading, nothing, self.prepare(reading, arguments))

    def _send(self, contract: Contract, call: Call, request: Mapping[str, Any]) -> Outcome:
        # Imported where something is sent: the web processes prepare and show, they never send.
        from tools.connectors.http_table import classify
        from tools.wire import NotWritable, exchange

        try:
            happened = exchange(
                request["method"],
                request["url"],
                {**request["headers"], **self._added(contract, call, request["url"])},
                canonical(request["body"]) if "body" in request else None,
                network=contract.network,
                private=settings.LAM_EGRESS_PRIVATE,
                seconds=contract.timeout,
            )
        except NotWritable:
            return Outcome.failed("request_invalid", "The request cannot be written as HTTP.")
        except Exception as error:
            kind = type(error).__name__
            return Outcome(
                OutcomeStatus.UNCERTAIN,
                error=Error("connector_raised", f"The connector stopped with {kind}."),
                evidence={"raised": kind},
            )
        return classify(
            happened,
            read=request["method"] in SAFE and contract.tier is Tier.READ,
            keyed=contract.idempotency.kind is IdempotencyClass.KEYED,
            attempt=call.attempt,
            clean=call.clean,
        )

    def _added(self, contract: Contract, call: Call, url: str) -> dict[str, str]:
        """Headers that are not in the hash: the key, and the organization's credentials."""
        binding: dict[str, Any] = contract.binding
        added = {binding["key_header"]: call.key} if binding.get("key_header") else {}
        for slot in binding.get("credentials", ()):
            secret = self._credentials(call.organization, slot["name"])
            # A secret does not travel readably; where it may not travel, the tool will say that it is missing.
            if secret is not None and (url.startswith("https://") or target(url).place in settings.LAM_EGRESS_PRIVATE):
                added[slot["header"]] = f"{slot.get('prefix', '')}{secret}"
        return added


def _refused(at: str, message: str) -> ArgumentsRefused:
    return ArgumentsRefused((Problem(at, message),))


def _text(value: JSON) -> str:
    """A plain value as it stands in an address or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else canonical(value).decode()


def _in_path(value: JSON, at: str) -> str:
    """One segment of a path. A value that some server may take for more than one segment would reach another route."""
    text = _text(value)
    if not text or text in {".", ".."} or any(mark in text for mark in "/\\"):
        raise _refused(at, "must be one part of a path: not empty, no dots alone, no slash")
    if next(control_characters(text), None) is not None or "\n" in text or "\t" in text:
        raise _refused(at, "must not hold control characters")
    return quote(text, safe="")


def _in_query(name: str, value: JSON, parameter: Mapping[str, Any]) -> list[tuple[str, str]]:
    if isinstance(value, list):
        if parameter.get("explode", True):
            return [(name, _text(item)) for item in value]
        return [(name, ",".join(map(_text, value)))]
    return [(name, _text(value))]


def _in_header(value: JSON, at: str) -> str:
    text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
    if not _HEADER_VALUE.match(text):
        raise _refused(at, "must be plain letters, numbers and signs on one line")
    return text


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The path with its placeholders filled. Filled-in text is not read again."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)


def _body(binding: Mapping[str, Any] | None, arguments: Mapping[str, JSON]) -> tuple[JSON] | None:
    """The body in a tuple, because null is a body as well; None where nothing is sent."""
    if binding is None:
        return None
    if "whole" in binding:
        given = binding["whole"] in arguments
        return (arguments[binding["whole"]],) if given else None
    fields = {name: arguments[argument] for argument, name in binding["fields"].items() if argument in arguments}
    return (fields,) if fields or binding.get("required") else None
