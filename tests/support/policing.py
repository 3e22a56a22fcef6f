"""Policies as the tests change them: a rule's form, the next version, and a second administrator's yes."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from approvals.facts import current_policy, document_of
from approvals.models import PolicyProposal, PolicyVersion
from approvals.services.policy import change_policy
from approvals.services.second_look import accept
from tests.support.dialling import second_administrator
from tests.support.world import World

RULE = {
    "kind": "rules", "follows": "1", "why": "Two people look at mail to strangers.", "then": "save",
    "tools": "send_message", "w0_argument": "to", "w0_compares": "!=", "w0_value": "ann@example.org",
    "answer": "review", "quorum": "2", "id": "strangers", "because": "A stranger.", "place": "1",
}  # fmt: skip


def policy_of(world: World) -> Any:
    """The document in force."""
    return document_of(current_policy(world.organization.id))


def asked(world: World, settings: Any, after: int = 1, by: User | None = None) -> PolicyVersion | PolicyProposal:
    """What becomes of these settings, asked for by the administrator or by somebody else."""
    by = by or world.administrator
    return change_policy(world.organization.id, settings, reason="Because.", by=by, after=after)


def change(world: World, settings: Any, after: int = 1) -> PolicyVersion:
    """The next version, which is looser nowhere."""
    made = asked(world, settings, after)
    assert isinstance(made, PolicyVersion), made.looser
    return made


def waits(world: World) -> PolicyProposal:
    """The change that waits for a second administrator."""
    return PolicyProposal.objects.get(organization=world.organization, status="open")


def agreed(world: World) -> PolicyVersion:
    """What waits, once a second administrator has agreed to it."""
    second = User.objects.filter(username="second").first() or second_administrator(world)
    return accept(waits(world).pk, organization=world.organization.id, by=second)
