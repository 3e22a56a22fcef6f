"""Which calls are so alike that one person may decide on several at once. Part of the decision: it is asked of each
call when the table is made, and again when its row is decided.

Alike are calls of one version of a tool by one agent, for initiators of the same standing, held for the same reasons
under the same version of the policy, that need the same people. Only their arguments may differ, and all of those fit
into a table. What is of high risk, what cannot be undone and what holds anything back from the eye is decided alone.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from approvals.models import Action, Revision
from approvals.policy import DryRunState
from approvals.reading.bar import irreversible
from approvals.reading.folds import folded
from approvals.states import ActionStatus
from tools.contract import Contract
from traces.canonical import digest

MOST: Final = 50
"""Calls that are decided on at once."""
RISKS: Final = frozenset({"low", "medium"})
"""Risks at which it may be done at all. A risk that nobody has a word for is none of them."""
MOST_KNOWN: Final = 20_000
"""Revisions whose content is remembered: some megabytes."""
_known: dict[uuid.UUID, str] = {}
_TOLD: Final = frozenset({DryRunState.NOT_OFFERED.value, DryRunState.DONE.value})
_HOLDS: Final = frozenset({"review", "deny"})


def may_be_alike(action: Action, contract: Contract | None) -> bool:
    """Whether an action's own row leaves open that it is decided with others: it waits as most do, its risk is not
    high, and what it does can be undone."""
    marked = action.undo_of or action.held_at or action.asked_at or action.escalated_at or action.unroutable
    waits = action.status == ActionStatus.IN_REVIEW and action.risk in RISKS
    return waits and not marked and not irreversible(contract)


def group_of(action: Action) -> tuple[object, ...]:
    """What calls that are alike have in common already by their rows, so that the others need no closer look."""
    teams = json.dumps(action.teams)
    votes = (action.quorum, teams, action.voted_at is not None)
    return (action.tool_id, action.agent_id, action.origin, action.risk, action.maturity, action.verdict, *votes)


def likeness(action: Action, revision: Revision, contract: Contract | None) -> str:
    """A digest that is the same for calls that are alike, of their current revisions; empty for what is decided alone.

    ``contract`` is that of the revision's tool version.
    """
    if not may_be_alike(action, contract) or revision.number != action.revision:
        return ""
    return likeness_by(action, content_of(revision))


def likeness_by(action: Action, content: str) -> str:
    """The same of an action that may be alike, by what its current revision says (``content_of``)."""
    if not content:
        return ""
    group = [value.hex if isinstance(value, uuid.UUID) else value for value in group_of(action)]
    several = len(action.principals) > 1
    said = {"organization": str(action.organization_id), "group": group, "acts_for_several": several}
    return digest("likeness", {**said, "content": content})


def known_content(revision: uuid.UUID) -> str | None:
    """What ``content_of`` said of a revision lately; None where it has to be read."""
    return _known.get(revision)


def content_of(revision: Revision) -> str:
    """What calls that are alike have in common by their revisions; empty for one that is decided alone.

    A revision never changes, so each is read once in the life of a process, or again once very many have been.
    """
    found = _known.get(revision.pk)
    if found is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        found = _known[revision.pk] = _content(revision)
    return found


def _content(revision: Revision) -> str:
    facts: Mapping[str, Any] = json.loads(revision.facts)
    told = (facts.get("dry_run") or {}).get("state") or DryRunState.NOT_OFFERED.value
    if told not in _TOLD or folded(revision):
        return ""
    return digest(
        "likeness_content",
        {
            "tool_version": str(revision.tool_version_id),
            "policy_version": str(revision.policy_version_id),
            "written_by_a_person": revision.author_id is not None,
            "initiator": facts["initiator"]["tier"],
            "told": told,
            "found": _found(json.loads(revision.ruling)),
        },
    )


def _found(ruling: Mapping[str, Any]) -> list[list[Any]]:
    """What the checks found, as far as a difference of it matters: who looked, the answer, which rule, and the words
    of whatever asks a person to look, unless a rule of the policy says them of each call's own values."""
    return sorted(
        [
            [one["check"], one["verdict"], one["warning"], one.get("rule", ""), one["text"] if _matters(one) else ""]
            for one in ruling.get("findings", ())
        ],
        key=json.dumps,
    )


def _matters(found: Mapping[str, Any]) -> bool:
    return bool(found["warning"]) or (found["verdict"] in _HOLDS and not found.get("rule"))
