"""The cast and the stage: two organizations, their people and tools, and a way to put an action under review."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from accounts.models import Agent, Organization, User
from approvals.models import Action
from approvals.services.propose import Proposal, propose
from lam_app.runs import submit
from lam_app.seed import seed
from tests.support.baseline import begin
from tools.models import Tool
from tools.registry import contracts
from traces.ids import uuid7

PASSWORD = "the tests' password"
MESSAGE = {"to": "customer of order 1009", "body": "Your order 1009 is delayed until Friday."}


@dataclass
class World:
    """Organization ``demo`` with its people by name, and ``elsewhere`` with its ``outsider``."""

    organization: Organization
    elsewhere: Organization
    agent: Agent
    people: dict[str, User] = field(default_factory=dict)

    def __getattr__(self, name: str) -> User:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def tool(self, name: str = "send_message") -> Tool:
        """A tool of ``demo``."""
        return Tool.objects.get(organization=self.organization, name=name)

    def proposal(self, tool: str = "send_message", arguments: dict[str, Any] | None = None, **changes: Any) -> Proposal:
        """A proposal of the built-in agent for ``operator``, in a run and step of its own."""
        return Proposal(
            **{
                "organization": self.organization.id,
                "run": uuid7(),
                "step": 1,
                "origin": "planner",
                "initiator": self.operator.id,
                "agent": self.agent.id,
                "principals": (self.operator.id,),
                "tool": tool,
                "arguments": MESSAGE if arguments is None else arguments,
                **changes,
            }
        )

    def staged(self, tool: str = "send_message", arguments: dict[str, Any] | None = None, **changes: Any) -> Action:
        """An action that waits for review."""
        action = propose(self.proposal(tool, arguments, **changes))
        return Action.objects.get(id=action.id)

    def run(self, goal: str = "Tell the customer of order 1009 that it is delayed until Friday") -> Any:
        """A submitted run of ``operator``."""
        return submit(initiator=self.operator, organization=self.organization.id, goal=goal)


def make_world() -> World:
    """The seeded demo, with its people looked up."""
    begin(lambda: seed(demo=True, password=PASSWORD), tools=[contract.name for contract in contracts()])
    organization = Organization.objects.get(slug="demo")
    return World(
        organization=organization,
        elsewhere=Organization.objects.get(slug="elsewhere"),
        agent=Agent.objects.get(organization=organization, builtin=True),
        people={user.username: user for user in User.objects.all()},
    )


def approved(world: World, action: Action, *, by: str = "reviewer") -> uuid.UUID:
    """Approve an action as the person of that name, who has just signed in, and return the decision's id."""
    from approvals.services.approve import approve

    decision = approve(
        actor=world.people[by],
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        signed_in_at=datetime.now(UTC),
    )
    return decision.id
