"""What somebody has set about notices, and how it goes: the settings page's own view of it."""

import uuid
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, Q

from approvals.models import Delivery, NoticeAddress, NoticeRoute
from approvals.services.listen import Listener
from tools.models import Tool

CHANNELS: Final = {"browser": "Browser", "mail": "Mail", "webhook": "Webhook"}
RISKS: Final = {"low": "Any risk", "medium": "Medium and high", "high": "High only"}
MOST_TOOLS: Final = 500


@dataclass(frozen=True)
class Place:
    """An address, and what waits for it."""

    address: NoticeAddress
    waiting: int
    lost: int
    """What was given up within a day."""


@dataclass(frozen=True)
class Listening:
    """All that the page shows of one person or team."""

    mail: Place | None
    webhooks: list[Place]
    routes: list[tuple[NoticeRoute, str, str]]
    """Each with its channel and its risk in words."""
    tools: list[tuple[uuid.UUID, str]]
    failing: list[Place] = field(default_factory=list)


def listening(listener: Listener) -> Listening:
    """What this person or team has set, and what of it does not get through just now."""
    addresses = (
        NoticeAddress.objects.filter(**listener.owned, ended_at=None)
        .annotate(
            waiting=Count("deliveries", filter=Q(deliveries__state=Delivery.State.WAITING, deliveries__trial=False)),
            lost=Count("deliveries", filter=Q(deliveries__state=Delivery.State.GIVEN_UP, deliveries__trial=False)),
        )
        .order_by("shown", "id")
    )
    places = [Place(one, one.waiting, one.lost) for one in addresses]
    routes = NoticeRoute.objects.filter(**listener.owned, ended_at=None).select_related("tool", "address")
    tools = Tool.objects.filter(organization_id=listener.member.organization_id).order_by("name")
    return Listening(
        mail=next((place for place in places if place.address.channel == "mail"), None),
        webhooks=[place for place in places if place.address.channel == "webhook"],
        routes=[(route, CHANNELS[route.channel], RISKS[route.risk]) for route in routes.order_by("channel", "id")],
        tools=list(tools.values_list("pk", "name")[:MOST_TOOLS]),
        failing=[place for place in places if place.address.problem],
    )
