"""What a tool said beforehand, as a reviewer is shown it: read from the facts that the revision was judged with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from approvals.models import PreviewRow, Revision
from approvals.policy import DryRunState


@dataclass(frozen=True)
class Foreseen:
    """One preview on the page. Every text in it is a stranger's, bounded and spelled out when it was kept."""

    state: str
    text: str
    affected: int | None
    drifted: bool
    changes: list[Mapping[str, Any]]
    more: int
    """How many changes are not listed."""
    records: list[Mapping[str, Any]]
    since: list[Mapping[str, Any]]
    """What is not as it was when this was decided on: label, then, now."""
    at: Any = None
    """When the tool said it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Path of an argument to the words beside it."""


NO_RECORD = "No record of this identifier was found"


def foreseen(revision: Revision, *, dated: bool = True) -> Foreseen | None:
    """What was known beforehand when this revision was judged; None where its tool says nothing beforehand.

    One query for when the tool said it, which is left out where it need not be ``dated``.
    """
    told = json.loads(revision.facts).get("dry_run")
    if not told or (told["state"] == DryRunState.NOT_OFFERED and not told["effect"]):
        return None
    effect: Mapping[str, Any] = told["effect"] or {}
    rows = PreviewRow.objects.filter(action=revision.action_id, revision__lt=revision.number)
    row = rows.order_by("-revision").first() if dated else None
    return Foreseen(
        state=told["state"],
        text=told["text"],
        affected=told["affected"],
        drifted=told["drifted"],
        changes=effect.get("changes", []),
        more=effect.get("more", 0),
        records=effect.get("records", []),
        since=effect.get("since", []),
        at=row.answered_at if row else None,
        names={one["path"]: one["name"] or NO_RECORD for one in effect.get("records", ())},
    )
