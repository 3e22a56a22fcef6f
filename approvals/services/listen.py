"""listen: where people and teams want to hear of what, and the button that tries it.

Everybody sets what reaches themselves. What reaches a team, and every webhook, is an administrator's to set: a webhook
carries news out of the house. Each change is an event; of an address it says only what pages show.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.actors import person
from accounts.models import Membership, Team
from accounts.roles import Role
from approvals.models import Channel, Delivery, NoticeAddress, NoticeRoute, Occasion, WebhookKey
from approvals.notices.exceptions import NoticesNotFound, NoticesRefused, NotTheirs, TooManyTrials
from approvals.notices.words import RISKS
from tools.egress import EgressRefused, admit, target
from tools.models import Tool
from traces.clock import now
from traces.doorbell import ring
from traces.services import Entry, record
from traces.signed import secret_of
from traces.text import storable

TASK: Final = "approvals.tasks.send_notices"
MOST_ADDRESSES, MOST_ROUTES = 20, 50
"""Of one person or team."""
TRIALS, WITHIN = 5, timedelta(minutes=10)
"""How many tests of one address are sent within which time."""
ALL_TRIALS: Final = 10
"""The same of all addresses of one person or team, those that they have ended included: nobody has proved that a mail
address is theirs, so setting one after the other must not be a way to write to strangers."""
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is to hear: whoever asks, or one of their organization's teams."""

    member: Membership
    team: Team | None = None

    @property
    def owned(self) -> dict[str, Any]:
        """Whose rows these are."""
        whose = {"team": self.team} if self.team else {"person_id": self.member.user_id}
        return {"organization_id": self.member.organization_id, **whose}

    def may(self, *, webhook: bool = False) -> None:
        """Raises NotTheirs where only an administrator may set this."""
        if (self.team is not None or webhook) and not self.member.has(Role.ADMINISTRATOR):
            raise NotTheirs


def add_mail(listener: Listener, address: str) -> NoticeAddress:
    """The person's mail address, in place of the one before. Raises NoticesRefused for what is none, and for a team."""
    if listener.team is not None:
        raise NoticesRefused("A team's mail goes to each of its people, at the address that they set themselves.")
    address = storable(address).strip()
    try:
        validate_email(address)
    except ValidationError as wrong:
        raise NoticesRefused("This is not a mail address. One looks like name@example.org.") from wrong
    if len(address) > 254 or not address.isascii():
        raise NoticesRefused("Mail addresses here are plain letters, and not longer than 254 characters.")
    try:
        with transaction.atomic():
            before = NoticeAddress.objects.filter(**listener.owned, channel="mail", ended_at=None)
            for one in before.exclude(shown=address):
                _end(listener, one, "another one was given")
            found = before.filter(shown=address).first()
            return found or _add(listener, channel="mail", shown=address)
    except IntegrityError as twice:
        raise NoticesRefused("You set another address at this very moment. Look again.") from twice


def add_webhook(listener: Listener, url: str) -> tuple[NoticeAddress, str]:
    """A webhook, and the key that signs what goes there, which is shown this once.

    Notices go to public addresses, and in the house only where LAM_NOTICE_PRIVATE names the very place: what tools may
    reach is the operator's word about tools, and nobody who sets a webhook gets there by it. Raises NoticesRefused,
    NotTheirs.
    """
    listener.may(webhook=True)
    url = url.strip()
    try:
        where = target(url)
        admit(url, network={where.place}, private=settings.LAM_NOTICE_PRIVATE)
    except EgressRefused as refused:
        raise NoticesRefused(refused.message.replace("tools may not", "webhooks may not")) from refused
    if where.scheme != "https" and where.place not in settings.LAM_NOTICE_PRIVATE:
        raise NoticesRefused("The address has to begin with https://.")
    _not_too_many(NoticeAddress.objects.filter(**listener.owned, ended_at=None).count(), MOST_ADDRESSES)
    key = secret_of(secrets.token_bytes(KEY_BYTES))
    with transaction.atomic():
        address = _add(listener, channel="webhook", shown=where.place)
        WebhookKey.objects.create(address=address, organization_id=address.organization_id, url=url, key=key)
    return address, key


def end_address(listener: Listener, address_id: uuid.UUID) -> None:
    """Nothing goes there any more, routes included. Raises NoticesNotFound, NotTheirs."""
    with transaction.atomic():
        address = _own_address(listener, address_id)
        listener.may(webhook=address.channel == "webhook")
        for route in NoticeRoute.objects.filter(address=address, ended_at=None):
            _end_route(listener, route)
        _end(listener, address, "")


def add_route(listener: Listener, *, channel: str, tool: str, risk: str, address: str = "") -> NoticeRoute:
    """Send calls of a tool (of all, where ``tool`` is empty) from this risk on through a channel.

    Raises NoticesRefused, NoticesNotFound for a tool or webhook that is not there, NotTheirs.
    """
    if channel not in Channel.values or risk not in RISKS:
        raise NoticesRefused("Say which channel, and from which risk on.")
    listener.may(webhook=channel == Channel.WEBHOOK)
    tool_row = _tool(listener, tool) if tool else None
    hook = _own_address(listener, _uuid(address)) if channel == Channel.WEBHOOK else None
    if hook is not None and hook.channel != "webhook":
        raise NoticesNotFound
    routes = NoticeRoute.objects.filter(**listener.owned, ended_at=None)
    same = routes.filter(channel=channel, tool=tool_row, risk=risk, address=hook).first()
    if same is not None:
        return same
    _not_too_many(routes.count(), MOST_ROUTES)
    with transaction.atomic():
        by = listener.member.user_id
        route = NoticeRoute.objects.create(
            **listener.owned, channel=channel, tool=tool_row, risk=risk, address=hook, made_by_id=by
        )
        _told(listener, "notice_route_added", "notice_route", route.pk, **_of_route(route))
    return route


def end_route(listener: Listener, route_id: uuid.UUID) -> None:
    """Keep a route no longer. Raises NoticesNotFound, NotTheirs."""
    route = NoticeRoute.objects.filter(**listener.owned, ended_at=None, pk=route_id).first()
    if route is None:
        raise NoticesNotFound
    listener.may(webhook=route.channel == Channel.WEBHOOK)
    with transaction.atomic():
        _end_route(listener, route)


def try_address(listener: Listener, address_id: uuid.UUID) -> Delivery:
    """Send a test there now. Its row says what came of it. Raises NoticesNotFound, NotTheirs, TooManyTrials."""
    address = _own_address(listener, address_id)
    listener.may(webhook=address.channel == "webhook")
    theirs = NoticeAddress.objects.filter(**listener.owned)
    lately = Delivery.objects.filter(address__in=theirs, trial=True, created__gt=now() - WITHIN)
    if lately.filter(address=address).count() >= TRIALS or lately.count() >= ALL_TRIALS:
        raise TooManyTrials
    with transaction.atomic():
        tried = Delivery.objects.create(
            organization_id=address.organization_id, address=address, trial=True, urgent=True, lines=[]
        )
        ring(TASK)
    return tried


def try_page(listener: Listener) -> Occasion:
    """Ring one's own bell: a notice in the page, and in the browser where that is allowed. Raises TooManyTrials."""
    member = listener.member
    mine = Occasion.objects.filter(kind="trial", subject=member.user_id, organization_id=member.organization_id)
    if mine.filter(created__gt=now() - WITHIN).count() >= TRIALS:
        raise TooManyTrials
    with transaction.atomic():
        tried = Occasion.objects.create(organization_id=member.organization_id, kind="trial", subject=member.user_id)
        ring(TASK)
    return tried


def _add(listener: Listener, *, channel: str, shown: str) -> NoticeAddress:
    address = NoticeAddress.objects.create(
        **listener.owned, channel=channel, shown=shown, made_by_id=listener.member.user_id
    )
    _told(listener, "notice_address_added", "notice_address", address.pk, channel=channel)
    return address


def _end(listener: Listener, address: NoticeAddress, why: str) -> None:
    if NoticeAddress.objects.filter(pk=address.pk, ended_at=None).update(ended_at=now()):
        _told(listener, "notice_address_ended", "notice_address", address.pk, reason=why, channel=address.channel)


def _end_route(listener: Listener, route: NoticeRoute) -> None:
    if NoticeRoute.objects.filter(pk=route.pk, ended_at=None).update(ended_at=now()):
        _told(listener, "notice_route_ended", "notice_route", route.pk, **_of_route(route))


def _of_route(route: NoticeRoute) -> dict[str, str]:
    return {"channel": route.channel, "tool": str(route.tool_id or ""), "risk": route.risk}


def _told(listener: Listener, verb: str, kind: str, subject: uuid.UUID, reason: str = "", **detail: str) -> None:
    member = listener.member
    team = {"team": str(listener.team.pk)} if listener.team else {}
    record(
        Entry(
            organization=member.organization_id,
            actor=person(member.user),
            verb=verb,
            subject_kind=kind,
            subject=subject,
            reason=reason,
            detail={**detail, **team},
        )
    )


def _own_address(listener: Listener, address_id: uuid.UUID) -> NoticeAddress:
    found = NoticeAddress.objects.filter(**listener.owned, ended_at=None, pk=address_id).first()
    if found is None:
        raise NoticesNotFound
    return found


def _tool(listener: Listener, tool: str) -> Tool:
    found = Tool.objects.filter(organization_id=listener.member.organization_id, pk=_uuid(tool)).first()
    if found is None:
        raise NoticesNotFound("There is no such tool.")
    return found


def _uuid(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError as wrong:
        raise NoticesNotFound from wrong


def _not_too_many(there: int, most: int) -> None:
    if there >= most:
        raise NoticesRefused(f"There are {most} already. Take one away first.")
