"""drift: right before a call the tool is asked once more, and what was decided on has to be what it still says.

Between this look and the effect the world can change again: the tool alone could close that gap, by taking the
preconditions with the call. The look makes it as small as the claim, so a tool with a preview is looked at and claimed
alone. Nothing is looked at for a call that was claimed already: its recovery belongs to the tool's class.
"""

import json
from typing import Any

from approvals.facts.dryrun import as_fact
from approvals.models import Action, PreviewRow
from approvals.policy import DryRun
from approvals.services import execute
from approvals.services.execute import Waiting
from approvals.services.preview import looking_at
from approvals.services.rejudge import Seen
from tools.previews import Look, PreviewState, Told, differences
from tools.queries import engaged_over

MOST_SAID = 5
"""Differences that the sentence names; the page shows all that are kept."""


def question(waiting: Waiting) -> Look | None:
    """What to ask before this call; None where nothing was foreseen, and under a stop, which keeps it back anyway."""
    if not waiting.foreseen or engaged_over(waiting.action.scopes):
        return None
    action = waiting.action
    return looking_at(action, action.revisions.get(number=action.revision))


def same(waiting: Waiting, told: Told) -> bool:
    """Whether the tool still says what was decided on."""
    return told.state is PreviewState.DONE and told.digest == waiting.foreseen


def send_back(waiting: Waiting, told: Told) -> bool:
    """Void the permit of a call that is no longer what was decided on: it is judged and shown again, with what differs.

    Returns whether this caller was the one to do it.
    """
    action = waiting.action
    content: dict[str, Any] = dict(told.content)
    drifted = told.state is not PreviewState.FAILED
    if told.state is PreviewState.DONE:
        since = differences(_decided_on(action), told.content)
        content |= {"since": since, "text": _said(since)}
    why = {
        PreviewState.DONE: f"It would no longer do what was decided on. {content['text']}",
        PreviewState.REFUSED: f"The tool says that the call would fail now: {content['text']}",
        PreviewState.FAILED: f"The tool could not be asked once more before the call: {content['text']}",
    }[told.state]
    fact: DryRun = as_fact(waiting.contract, told.state, content, told.digest, drifted=drifted)
    return execute.send_back(action, why[:2000], seen=Seen(told, content, fact))


def _decided_on(action: Action) -> dict[str, Any]:
    """What the tool had said when this was decided on."""
    row = PreviewRow.objects.filter(action=action, revision__lt=action.revision).order_by("-revision").first()
    found: dict[str, Any] = json.loads(row.content) if row is not None else {}
    return found


def _said(since: list[dict[str, str]]) -> str:
    named = [f"{one['label']} was {one['then']} and is {one['now']} now" for one in since[:MOST_SAID]]
    more = len(since) - len(named)
    return "; ".join(named) + (f"; {more} more differ." if more else ".")
