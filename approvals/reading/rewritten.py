"""What would come of an edit, as a person is shown it before they send it. Reads only."""

import json
from dataclasses import dataclass
from typing import Any

from approvals.facts import Judged
from approvals.models import Revision
from approvals.policy import DryRunState, Verdict
from approvals.reading.card import findings_in
from approvals.reading.differences import Changed, changed
from tools.contract import Contract


@dataclass(frozen=True)
class Would:
    """The ruling on a call that nobody has sent."""

    summary: str
    risk: str
    quorum: int
    denied: bool
    findings: list[dict[str, Any]]
    changes: list[Changed]
    awaited: bool
    """Whether the tool is asked what it would do before anybody can approve."""


def would(began: Revision, judged: Judged) -> Would:
    """Read it from what was judged: findings worst first, and what differs from the revision that it began from."""
    contract = Contract.from_json(judged.version.contract) if judged.version else None
    return Would(
        summary=judged.summary,
        risk=str(judged.ruling.risk),
        quorum=max(1, judged.ruling.quorum),
        denied=judged.ruling.verdict is Verdict.DENY,
        findings=findings_in(judged.ruling.to_json()),
        changes=changed(json.loads(began.arguments), judged.arguments, contract),
        awaited=judged.facts.dry_run.state is DryRunState.AWAITED,
    )
