"""What is known of a call that was claimed: what left, what came back, what its own check found. Reads only."""

import json
from dataclasses import dataclass
from typing import Final

from approvals.models import Action
from approvals.reading.plainly import pretty
from approvals.services.probe import ASKED, PATIENCE, can_be_asked, newest_of
from approvals.states import ActionStatus
from tools.contract import Contract
from tools.kinds import IdempotencyClass
from tools.models import Execution
from tools.verifying import NOT_VERIFIED, VerifyState
from traces.clock import now
from traces.models import Event

CHECKED: Final = {
    VerifyState.HELD: "The tool’s own check finds it",
    VerifyState.MISSING: "The tool’s own check does not find it",
    VerifyState.NOT_ASKED: "The tool could not be asked whether it holds",
}
"""What was found after a call that answered."""


@dataclass(frozen=True)
class Answered:
    """An action with its ledger row, as far as there is one."""

    action: Action
    contract: Contract | None
    execution: Execution | None
    events: list[Event]

    @property
    def repeated(self) -> bool:
        """Whether the call was made more than once, which only a tool that recognises its key allows."""
        keyed = self.contract is not None and self.contract.idempotency.kind is IdempotencyClass.KEYED
        return keyed and self.execution is not None and self.execution.attempt > 1

    @property
    def sent(self) -> str:
        """What is known of a call whose outcome is not: whether anything left for the tool."""
        match json.loads(self.execution.evidence or "{}").get("sent") if self.execution else None:
            case True:
                return "It left for the tool"
            case False:
                return "It did not leave for the tool"
            case _:
                return "It was handed to the tool; nobody knows how far it got"

    @property
    def queryable(self) -> bool:
        """Whether the tool can be asked what became of the call."""
        return can_be_asked(self.contract)

    @property
    def probe(self) -> Event | None:
        """The last time that a person had the tool asked, or what it answered."""
        return newest_of(self.events)

    @property
    def asking(self) -> bool:
        """Whether the tool is being asked just now. What nobody answered in time is asked no more."""
        probe = self.probe
        waits = probe is not None and probe.verb == ASKED and now() - probe.at < PATIENCE
        return waits and self.action.status == ActionStatus.UNCERTAIN

    @property
    def checked(self) -> str:
        """What the tool's own check found after the call, in words; empty where there is none."""
        found = json.loads(self.execution.evidence or "{}").get("verified") if self.execution else None
        if not isinstance(found, dict):
            return ""
        state, text = VerifyState(found["state"]), str(found["text"])
        return f"{CHECKED[state]}. {text}".strip() if text else CHECKED[state]

    @property
    def contradicted(self) -> bool:
        """Whether the tool said "done" and its own check did not find it."""
        return self.execution is not None and self.execution.error_code == NOT_VERIFIED

    @property
    def result(self) -> str:
        """What the tool answered, as text."""
        return pretty(self.execution.result) if self.execution and self.execution.result else ""
