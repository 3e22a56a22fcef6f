"""What is not any more as a person read it: two revisions of one action, side by side. Reads only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from approvals.models import Action, Revision
from approvals.reading.differences import Changed, changed
from tools.contract import Contract

_RULED = {"quorum": "Votes needed", "risk": "Risk"}


@dataclass(frozen=True)
class Since:
    """An older revision that somebody read, against the one that would run now."""

    read: Revision
    now: Revision
    changes: list[Changed]


def since(action: Action, *, digest: str = "", number: int = 0) -> Since | None:
    """What changed since the revision of this digest or number; None where it is the current one or none of these.

    Told are the arguments, what the tool says would come of it, and how it was ruled. Two queries.
    """
    if not digest and not number:
        return None
    wanted: dict[str, Any] = {"digest": digest} if digest else {"number": number}
    read = Revision.objects.filter(action=action, **wanted).first()
    if read is None or read.number == action.revision:
        return None
    now = Revision.objects.select_related("tool_version", "author").get(action=action, number=action.revision)
    contract = Contract.from_json(now.tool_version.contract) if now.tool_version else None
    told = changed(json.loads(read.arguments), json.loads(now.arguments), contract)
    return Since(read, now, [*told, *_foretold(read, now), *_ruled(read, now)])


def _foretold(read: Revision, now: Revision) -> list[Changed]:
    was, is_ = _effects(read), _effects(now)
    return [
        Changed(label, was.get(label, ""), is_.get(label, ""))
        for label in {**was, **is_}
        if was.get(label) != is_.get(label)
    ]


def _effects(revision: Revision) -> dict[str, str]:
    effect: Mapping[str, Any] = (json.loads(revision.facts).get("dry_run") or {}).get("effect") or {}
    rows = {f"{row['label']}, afterwards": str(row["after"]) for row in effect.get("changes", ())}
    rows |= {f"{row['label']}, before": str(row["before"]) for row in effect.get("changes", ())}
    return rows | {f"{row['path']} names": str(row["name"] or "no record") for row in effect.get("records", ())}


def _ruled(read: Revision, now: Revision) -> list[Changed]:
    was, is_ = json.loads(read.ruling), json.loads(now.ruling)
    return [
        Changed(label, str(was.get(key, "")), str(is_.get(key, "")))
        for key, label in _RULED.items()
        if was.get(key) != is_.get(key)
    ]
