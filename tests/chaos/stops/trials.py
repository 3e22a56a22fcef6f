"""One trial: actions with signed permits, claimers let go, a stop at a random moment, and all that came of it."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.actors import person
from accounts.models import Agent, Organization, User
from accounts.roles import Role, TierLevel
from approvals.models import Action
from approvals.services.halt import halt
from approvals.services.propose import Proposal, propose
from approvals.tasks import sign_permits
from lam_app.seed import create_person
from tests.chaos.stops import calls
from tests.chaos.stops.company import OPEN, SHUT
from tests.chaos.stops.field import Browser, Field
from tests.chaos.stops.judging import Shown, accounted, claimed_of, judged
from tests.chaos.stops.recorder import Effects
from tests.support.up import until
from tests.support.world import World, approved
from tools.agents import register
from tools.killswitch import ease, engage, release, settle_quiet, stop_everything
from tools.models import KillSwitch, Tool
from traces.ids import uuid7
from traces.services import Actor

SCOPES = ("everything", "organization", "tool", "agent", "initiator", "run")
MOMENT = 0.3
"""Seconds after the start in which a stop falls."""
UNDER_WAY = 16
"""Actions on their road when a trial begins; what an earlier stop left alone is among them."""
PATIENCE = 30
ON_ITS_ROAD = ("proposed", "scheduled", "permitted", "executing")


@dataclass(frozen=True)
class Party:
    """Who acts for whom where, with which tools: each trial has a run of every party."""

    organization: Organization
    agent: Agent
    initiator: User
    tools: tuple[str, ...] = calls.NAMES
    origin: str = "planner"


class Trials:
    """The cast, and the trials that it goes through."""

    def __init__(self, world: World, field: Field, *, seed: int) -> None:
        self.world, self.field, self.chance = world, field, random.Random(seed)
        demo, elsewhere = world.organization, world.elsewhere
        Tool.objects.filter(name__in=calls.FREE).update(maturity="audit_only")
        second = create_person(demo, "operator2", roles=(Role.OPERATOR,), tier=TierLevel.DELETE, password=None)
        outside = register(
            organization=demo,
            name="second",
            owner=world.operator,
            tier="delete",
            tools=calls.NAMES,
            by=Actor.system("test"),
        )
        self.parties = [
            Party(demo, world.agent, world.operator),
            Party(demo, world.agent, second),
            Party(demo, outside, world.operator, origin="agent"),
            Party(demo, outside, second, origin="agent"),
            # Nobody else could decide there, so only what needs nobody.
            Party(elsewhere, Agent.objects.get(organization=elsewhere), world.outsider, calls.FREE),
        ]
        self.turns = itertools.cycle(self.parties)
        self.effects = Effects()
        self.browser = Browser(field.port, world.reviewer)

    def trial(self, number: int) -> Shown:
        """One stop, lifted again at the end. Scope, way and Redis take turns; the moment is random."""
        turn, place = divmod(number, len(SCOPES))
        scope, redis = SCOPES[place], turn % 2 == 0
        over_http = turn // 2 % 2 == 0 and scope != "everything"  # which no page can stop
        actions = self._permitted()
        if over_http:
            self.browser.look()
        with contextlib.nullcontext() if redis else self.field.without_redis():
            shown = self._stopped(scope, actions, over_http=over_http, redis=redis)
        assert self.field.working, "a claimer ended by itself"
        return shown

    def close(self) -> None:
        """Let what is under way end, and hold all effects there ever were against the record.

        The claimers go on meanwhile: a call whose tool was asked and has to be asked once more waits for one of them.
        """
        self.browser.close()
        self.field.gate.set(OPEN)
        left = Action.objects.filter(status__in=("permitted", "executing"))
        until(lambda: not left.exists(), PATIENCE, "all calls have ended")
        self.field.gate.set(SHUT)
        accounted(self.effects.look())

    def _permitted(self) -> list[Action]:
        """What is left of earlier trials, and new runs with a call of each tool, until it is enough. All have signed
        permits but those that are foreseen: they walk their whole road under load, since their tools are asked first.
        """
        made = list(Action.objects.filter(status__in=ON_ITS_ROAD))
        while len(made) < UNDER_WAY:
            party, run = next(self.turns), uuid7()
            for step, tool in enumerate(self.chance.sample(party.tools, len(party.tools)), 1):
                answer = self.chance.choice(("lost", "kept"))
                action = propose(
                    Proposal(
                        organization=party.organization.id,
                        run=run,
                        step=step,
                        origin=party.origin,
                        initiator=party.initiator.id,
                        agent=party.agent.id,
                        principals=(party.initiator.id, party.agent.owner_id),
                        tool=tool,
                        arguments={"text": f"{answer} {uuid.uuid4().hex}"},
                    )
                )
                if action.status == "in_review":
                    approved(self.world, action)
                made.append(action)
        while sign_permits():
            pass
        return made

    def _stopped(self, scope: str, actions: list[Action], *, over_http: bool, redis: bool) -> Shown:
        target = self._target(scope, actions)
        self.field.gate.set(OPEN)
        time.sleep(self.chance.random() * MOMENT)  # the random moment: nothing is waited for
        began = time.monotonic()
        click = self.browser.click(scope, target) if over_http else self._engage(scope, target, began)
        switch = KillSwitch.objects.latest("epoch")
        covered = [action for action in actions if switch.scope_key in action.scopes]
        seen = claimed_of(covered)
        while switch.quiet_at is None:
            settle_quiet()
            switch.refresh_from_db()
            assert time.monotonic() - began < PATIENCE, "never quiet"
        others = [action for action in actions if switch.scope_key not in action.scopes]
        until(lambda: self._ended(covered), PATIENCE, f"nothing is left on its road under a stop of {scope}")
        self.field.gate.set(SHUT)
        shown = judged(
            switch, covered, others, seen, self.effects.look(), click=click, over_http=over_http, redis=redis
        )
        self._lift(switch)
        return shown

    def _target(self, scope: str, actions: Sequence[Action]) -> uuid.UUID | None:
        """What is stopped: one of what is in the first organization."""
        at = self.chance.choice([action for action in actions if action.organization_id == self.world.organization.id])
        targets = {
            "organization": at.organization_id,
            "tool": at.tool_id,
            "agent": at.agent_id,
            "initiator": at.initiator_id,
            "run": at.run,
        }
        return targets.get(scope)

    def _engage(self, scope: str, target: uuid.UUID | None, began: float) -> float:
        reviewer = self.world.reviewer
        if scope == "everything":
            stop_everything(by=person(reviewer), answerable=reviewer, reason="Stop it.")
        else:
            engage(
                actor=reviewer, organization=self.world.organization.id, scope=scope, target=target, reason="Stop it."
            )
        return time.monotonic() - began

    @staticmethod
    def _ended(covered: Sequence[Action]) -> bool:
        """Halt as every sweep does; whether nothing that is covered is left on its road. After QUIET some may still
        wait for another attempt, and the stop ends the wait.
        """
        halt()
        ids = [action.id for action in covered]
        return not Action.objects.filter(id__in=ids, status__in=ON_ITS_ROAD).exists()

    def _lift(self, switch: KillSwitch) -> None:
        asked = {"organization": switch.organization_id, "switch_id": switch.id, "reason": "Enough."}
        for stage in (ease, release):
            stage(actor=self.world.reviewer2, **asked)
