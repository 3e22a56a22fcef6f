"""Whether the effect of an HTTP tool holds, from a reading operation of the same service, after the call.

The binding (written by the importer from a trusted document) says what to read and what has to stand there:

    "verify": {"operation": "get_order", "method": "GET", "path": "/orders/{id}",
               "parameters": [{"argument": "order", "name": "id", "in": "path"}],
               "holds": [{"at": "/status", "is": {"value": "cancelled"}},
                         {"at": "/address", "is": {"argument": "address"}},
                         {"at": "/total", "is": {"answer": "/total"}}]}

A parameter called ``answer:/id`` takes its value from the call's own answer. With ``"gone": true`` nothing may be there
any more. Nothing is sent but GET, without our key and without a body. 404 and 410 say that nothing is there; whatever
else goes wrong is a question that could not be asked.
"""

from collections.abc import Mapping
from typing import Any

from tools.connectors.http_preview import ABSENT, SAFE, Ask, at
from tools.contract import OutcomeStatus
from tools.verifying import FROM_ANSWER, Verified
from traces.canonical import JSON, canonical


def verify(binding: Mapping[str, Any], arguments: Mapping[str, JSON], answer: JSON, ask: Ask) -> Verified:
    """Read, and hold what is there against what the call was to bring about."""
    part: Mapping[str, Any] | None = binding.get("verify")
    if part is None or part["method"] not in SAFE or "body" in part:
        return Verified.not_asked("There is no reading operation to ask.")
    given = dict(arguments)
    for parameter in part["parameters"]:
        source = parameter["argument"]
        if source.startswith(FROM_ANSWER):
            given[source] = at(answer, source.removeprefix(FROM_ANSWER))
        if given.get(source) is None:
            return Verified.not_asked(f"Nothing says which {parameter['name']} to look at.")
    found = ask(part, given)
    absent = found.evidence.get("http_status") in ABSENT
    if part.get("gone"):
        return _gone(absent, found.status)
    if absent:
        return Verified.missing("Nothing is there.")
    if found.status is not OutcomeStatus.DONE:
        return Verified.not_asked(found.error.text if found.error else "The tool gave no answer.")
    return _held(part, found.result, arguments, answer)


def _held(part: Mapping[str, Any], result: JSON, arguments: Mapping[str, JSON], answer: JSON) -> Verified:
    for row in part.get("holds", ()):
        wanted, there = _wanted(row["is"], arguments, answer), at(result, row["at"])
        if not _same(wanted, there):
            return Verified.missing(f"{row['at']} is {_short(there)} and not {_short(wanted)}.")
    return Verified.held()


def _gone(absent: bool, status: OutcomeStatus) -> Verified:
    if absent:
        return Verified.held()
    there = status is OutcomeStatus.DONE
    return Verified.missing("It is still there.") if there else Verified.not_asked("The tool gave no answer.")


def _wanted(said: Mapping[str, Any], arguments: Mapping[str, JSON], answer: JSON) -> JSON:
    if "argument" in said:
        return arguments.get(said["argument"])
    return said["value"] if "value" in said else at(answer, said["answer"])


def _same(one: JSON, other: JSON) -> bool:
    """Equal as JSON: 1 is not true, and 1.0 is 1."""
    return canonical(one) == canonical(other)


def _short(value: JSON) -> str:
    return canonical(value).decode()[:80]
