"""A call that may have had its effect stays in doubt until something about that very call is learned (F27, F28)."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tools import executor, registry
from tools.connecting import Call
from tools.contract import Idempotency, Outcome
from tools.ledger import Later, Taken
from traces.ids import uuid7

LOST = Outcome.uncertain("timeout", "No answer.", sent=True)
REFUSED = Outcome.failed("connect_refused", "Nobody listens.", sent=False, retryable=True)
GONE = Outcome.failed("tool_missing", "Not installed.", sent=False)


@dataclass
class Scripted:
    """A connector that gives these outcomes, one after the other, and knows nothing of any key."""

    outcomes: list[Outcome]
    calls: list[int] = field(default_factory=list)

    def call(self, contract: object, call: Call) -> Outcome:
        self.calls.append(call.attempt)
        return self.outcomes[min(len(self.calls), len(self.outcomes)) - 1]

    def probe(self, contract: object, call: Call) -> None:
        return None


ORPHAN = Taken(uuid7(), 2, 2, True)


def _claimed(monkeypatch: pytest.MonkeyPatch, idempotency: Idempotency, *outcomes: Outcome) -> tuple[Any, Scripted]:
    scripted = Scripted(list(outcomes))
    monkeypatch.setattr(registry, "connector", lambda _: scripted)
    call = Call(organization=uuid7(), run=uuid7(), action=uuid7(), key="k", request={})
    contract = SimpleNamespace(name="scripted", idempotency=idempotency, timeout=2.0)
    return executor.Claimed(uuid7(), 1, contract, call), scripted  # type: ignore[arg-type]


def _ended(outcome: Outcome | Later) -> Outcome:
    assert isinstance(outcome, Outcome), outcome
    return outcome


def _here(proven: bool = True) -> Any:
    return SimpleNamespace(proven=lambda: proven)


@pytest.mark.parametrize("later", [REFUSED, GONE], ids=lambda outcome: outcome.error.code)
def test_f27_a_keyed_call_that_was_lost_is_not_failed_by_one_that_never_left(
    monkeypatch: pytest.MonkeyPatch, later: Outcome
) -> None:
    claimed, _ = _claimed(monkeypatch, Idempotency.keyed(60), LOST, later)
    assert executor.call(claimed, _here()) is LOST


@pytest.mark.parametrize("later", [REFUSED, GONE], ids=lambda outcome: outcome.error.code)
def test_a_dead_workers_keyed_call_is_not_failed_by_one_that_never_left(
    monkeypatch: pytest.MonkeyPatch, later: Outcome
) -> None:
    claimed, _ = _claimed(monkeypatch, Idempotency.keyed(60), later)
    assert _ended(executor.recover(claimed, _here(), ORPHAN)).status == "uncertain"


def test_a_dead_workers_keyed_call_is_not_failed_by_a_worker_that_may_not_act(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed, scripted = _claimed(monkeypatch, Idempotency.keyed(60), LOST)
    assert _ended(executor.recover(claimed, _here(proven=False), ORPHAN)).status == "uncertain"
    assert scripted.calls == []


def test_f28_a_first_call_that_never_left_is_a_failure_after_bounded_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed, scripted = _claimed(monkeypatch, Idempotency.neither(), REFUSED)
    assert executor.call(claimed, _here()) == REFUSED
    assert scripted.calls == [1, 2, 3, 4, 5]


def test_a_tool_that_is_neither_is_called_once_and_stays_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed, scripted = _claimed(monkeypatch, Idempotency.neither(), LOST)
    assert executor.call(claimed, _here()) is LOST
    assert _ended(executor.recover(claimed, _here(), ORPHAN)).status == "uncertain"
    assert scripted.calls == [1]
