"""One action on its road, a role that is killed on the way, and what promise 3 says must come of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from approvals.models import Action
from approvals.services.verdict import did_not_happen, happened
from tests.support.pgproxy import Mode, Watch
from tests.support.stage import SIGN, Stage
from tests.support.up import until
from tests.support.voting import just_now
from tests.support.world import World, approved
from tools.models import Execution, Note, OutboxMessage

RECOVERED_WITHIN = 15.0
"""Seconds from a kill to an end, or to a person's queue."""
SETTLED = frozenset({"done", "failed", "uncertain"})


@dataclass(frozen=True)
class Kind:
    """A tool, its idempotency class, and how its effects are counted from outside of the ledger."""

    idempotency: str
    tool: str

    def arguments(self) -> dict[str, Any]:
        """Arguments that no other action has."""
        unique = uuid.uuid4().hex
        if self.tool == "send_message":
            return {"to": "customer of order 1009", "subject": "Late", "body": unique}
        return {"text": unique}

    def effects(self, stage: Stage, action: Action, arguments: dict[str, Any]) -> int:
        """How often the world saw it."""
        if self.tool == "send_message":
            return OutboxMessage.objects.filter(body=arguments["body"]).count()
        if self.tool == "write_note":
            return Note.objects.filter(text=arguments["text"]).count()
        ledger = Execution.objects.filter(action=action.id).first()
        return stage.world.effects(ledger.key) if ledger else 0


KEYED = Kind("keyed", "send_message")
QUERYABLE = Kind("queryable", "chaos_queryable")
NEITHER = Kind("neither", "write_note")
KINDS = (KEYED, QUERYABLE, NEITHER)
OUTSIDE = (Kind("keyed", "chaos_keyed"), QUERYABLE, Kind("neither", "chaos_neither"))
"""The three classes once more, with effects outside of the database."""


@dataclass
class Figures:
    """What a sweep counted."""

    kills: int = 0
    slowest: float = 0.0
    ends: dict[str, int] = field(default_factory=dict)

    def add(self, status: str, took: float) -> None:
        """One more kill, how it ended and after how many seconds."""
        self.kills += 1
        self.slowest = max(self.slowest, took)
        self.ends[status] = self.ends.get(status, 0) + 1

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {status}" for status, count in sorted(self.ends.items()))
        return f"{self.kills} kills: {ends}; slowest recovery {self.slowest:.2f} s"


@dataclass
class Road:
    """An action that has been approved, on its way."""

    stage: Stage
    cast: World
    kind: Kind
    action: Action
    arguments: dict[str, Any]

    @property
    def effects(self) -> int:
        """How often the world saw it."""
        return self.kind.effects(self.stage, self.action, self.arguments)

    @property
    def key(self) -> str:
        """The idempotency key of its call."""
        return Execution.objects.get(action=self.action.id).key

    def status(self) -> str:
        """Where the action stands."""
        self.action.refresh_from_db()
        return str(self.action.status)

    def settled(self, seconds: float = RECOVERED_WITHIN) -> str:
        """Wait for an end, or for the queue of those that a person settles."""
        until(lambda: self.status() in SETTLED, seconds, f"{self.kind.tool} settled; it is {self.action.status}")
        return self.status()


def send(stage: Stage, cast: World, kind: Kind) -> Road:
    """Propose, approve, ring."""
    arguments = kind.arguments()
    action = cast.staged(kind.tool, arguments)
    approved(cast, action)
    stage.ring(SIGN)
    return Road(stage, cast, kind, action, arguments)


def struck(watch: Watch) -> Watch:
    """Wait for the blow."""
    assert watch.struck.wait(10), f"never reached boundary {watch.at}; seen: {watch.seen}"
    return watch


def kill_at(
    stage: Stage, cast: World, kind: Kind, victim: str, at: int, mode: Mode, figures: Figures, *, spare: bool = False
) -> Road:
    """Kill the victim at one boundary of the road of one action, and hold promise 3 against what comes of it.

    With ``spare`` its connection is cut and the process lives on.
    """
    stage.present("executor")
    watch = stage.proxy.watch(stage.ready(victim), at, mode, spare=spare)
    road = send(stage, cast, kind)
    struck(watch)
    if not spare:
        stage.gone(victim, watch.pid)
    recovered(road, watch, figures, f"{victim} {'cut off' if spare else 'killed'} {mode} boundary {at}")
    return road


def kill_twice(
    stage: Stage, cast: World, kind: Kind, first: tuple[int, Mode], then: tuple[int, Mode], figures: Figures
) -> tuple[Road, list[str]]:
    """Kill the executor at one boundary of the road, and its successor at one boundary of the recovery."""
    stage.present("executor")
    watch = stage.proxy.watch(stage.ready("executor"), *first)
    successor = stage.proxy.watch_newcomer("executor", *then)
    road = send(stage, cast, kind)
    struck(watch)
    struck(successor)
    stage.gone("executor", successor.pid)
    figures.kills += 1
    recovered(road, successor, figures, f"executor killed at {first}, its successor at {then}")
    return road, successor.seen


def recovered(road: Road, watch: Watch, figures: Figures, where: str) -> None:
    """Wait for the end, note how long that took from the blow, and judge it."""
    status = road.settled()
    took = time.monotonic() - watch.struck_at
    figures.add(status, took)
    assert took < RECOVERED_WITHIN, where
    held(road, f"{where} ({watch.seen[-1]})")


def held(road: Road, where: str) -> None:
    """Promise 3, counted outside. An action in doubt is settled by a person, truthfully, and then agrees too."""
    status, effects = road.status(), road.effects
    where = f"{road.kind.tool}: {where}: {status} with {effects} effects"
    assert effects <= 1, where
    if road.kind.idempotency != "neither":
        assert (status, effects) == ("done", 1), where
    else:
        assert status in {"done", "uncertain"}, where
        assert status != "done" or effects == 1, where
    if status == "uncertain":
        assert Execution.objects.get(action=road.action.id).status == "uncertain", where
        say = happened if effects else did_not_happen
        say(
            actor=road.cast.reviewer,
            organization=road.cast.organization.id,
            action_id=road.action.id,
            digest=road.action.digest,
            reason="I looked.",
            signed_in_at=just_now(),
        )
        assert road.status() == ("done" if effects else "failed"), where
        assert road.effects == effects, where


def boundaries(stage: Stage, cast: World, kind: Kind, victim: str) -> list[str]:
    """The boundaries of an undisturbed road."""
    stage.present("executor")
    watch = stage.proxy.watch(stage.ready(victim))
    road = send(stage, cast, kind)
    assert road.settled() == "done"
    assert road.effects == 1
    return watch.seen
