"""Being told, as short as a test wants it: the worker's pass, addresses and routes, and what somebody has heard."""

from __future__ import annotations

from typing import Any

from accounts.models import Membership, Team
from approvals.models import Action, Delivery, Notice, NoticeAddress
from approvals.services import listen
from approvals.services.deliver import deliver
from approvals.services.listen import Listener
from approvals.services.notify import notify
from tests.support.sql import without_guards
from tests.support.world import World


def pass_on() -> int:
    """What the worker does when the bell rings. Returns how many letters were settled."""
    while notify():
        pass
    return deliver()


def listener(world: World, name: str, team: str = "") -> Listener:
    """This person, or this team in the person's hands."""
    member = Membership.objects.get(organization=world.organization, user=world.people[name])
    found = Team.objects.get(organization=world.organization, name=team) if team else None
    return Listener(member, found)


def heard(world: World, name: str) -> list[Notice]:
    """What this person was told, oldest first."""
    return list(Notice.objects.of(world.people[name].pk, world.organization.pk).reverse())


def kinds(world: World, name: str) -> list[str]:
    """The sorts of it."""
    return [notice.kind for notice in heard(world, name)]


def by_mail(world: World, name: str, risk: str = "low", **more: Any) -> NoticeAddress:
    """This person hears everything by mail, from this risk on."""
    address = listen.add_mail(listener(world, name), f"{name}@example.org")
    listen.add_route(listener(world, name), channel="mail", **{"tool": "", "risk": risk, **more})
    return address


def by_webhook(world: World, url: str, *, team: str = "", risk: str = "low") -> tuple[NoticeAddress, str]:
    """The administrator, or a team, hears through a webhook at this address; and its key."""
    whose = listener(world, "administrator", team)
    address, key = listen.add_webhook(whose, url)
    listen.add_route(whose, channel="webhook", tool="", risk=risk, address=str(address.pk))
    return address, key


def risky(action: Action, risk: str) -> None:
    """Let the action have this risk, whatever its arguments say."""
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET risk = %s WHERE id = %s", [risk, action.pk])


def hurry() -> None:
    """Let the time come for whatever waits, and end the claims of those who died over it."""
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_delivery SET due_at = clock_timestamp() - interval '1 second', claimed_until ="
            " CASE WHEN claimed_until IS NULL THEN NULL ELSE clock_timestamp() - interval '1 second' END"
            " WHERE state = 'waiting'"
        )


def states() -> list[str]:
    """How far each letter has come, oldest first."""
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))
