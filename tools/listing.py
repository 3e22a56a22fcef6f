"""Reads of the hands' tables for pages: the catalogue as an organization sets it, what is stopped, what was sent."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Agent, User
from tools import registry
from tools.contract import Contract
from tools.models import KillSwitch, Note, OutboxMessage, Tool
from traces.models import Event, EventDetail


def catalogue(organization: uuid.UUID) -> QuerySet[Tool]:
    """An organization's tools by name, with the version that is offered."""
    return Tool.objects.filter(organization_id=organization).select_related("version", "owner").order_by("name")


def declared_schema(contract: Contract) -> Mapping[str, Any]:
    """The arguments' schema with its properties in the order in which the tool's author wrote them, where it is known.

    The database keeps what a contract says but not the order of its keys; the installed tool still has it.
    """
    for installed in registry.contracts():
        if installed.name == contract.name and installed.arguments_schema == contract.arguments_schema:
            return installed.arguments_schema
    return contract.arguments_schema


def engaged(organization: uuid.UUID) -> QuerySet[KillSwitch]:
    """Stops in force over an organization, newest first; those over everything too."""
    return (
        KillSwitch.objects.filter(Q(organization_id=organization) | Q(scope=KillSwitch.Scope.EVERYTHING))
        .filter(released_at__isnull=True)
        .select_related("engaged_by")
        .order_by("-epoch")
    )


def released(organization: uuid.UUID) -> QuerySet[KillSwitch]:
    """Stops that were lifted, newest first."""
    return (
        KillSwitch.objects.filter(organization_id=organization, released_at__isnull=False)
        .select_related("engaged_by", "released_by")
        .order_by("-epoch")
    )


@dataclass(frozen=True)
class LastDrill:
    """When the stop was last measured, and what came of it; milliseconds."""

    at: datetime
    armed_ms: int
    in_flight: int
    quiet_ms: int | None


def last_drill(organization: uuid.UUID) -> LastDrill | None:
    """The newest drill of an organization."""
    event = Event.objects.about(organization, organization).filter(verb="stop_drill").last()
    if event is None:
        return None
    kept = EventDetail.objects.filter(event=event.pk).first()
    said = json.loads(kept.detail) if kept else {}
    return LastDrill(event.at, said.get("armed_ms", 0), said.get("in_flight", 0), said.get("quiet_ms"))


def stops_over(organization: uuid.UUID, scopes: Iterable[str]) -> list[KillSwitch]:
    """The stops in force over any of these scopes."""
    return list(engaged(organization).filter(scope_key__in=list(scopes)))


def stop_says(stop: KillSwitch) -> str:
    """What a stop covers, as the beginning of a sentence: "Tool send_message is stopped"."""
    scope = KillSwitch.Scope(stop.scope)
    if scope == KillSwitch.Scope.EVERYTHING:
        return "Everything is stopped"
    if scope == KillSwitch.Scope.ORGANIZATION:
        return "The whole organization is stopped"
    if scope == KillSwitch.Scope.TOOL:
        names = Tool.objects.filter(pk=stop.target or stop.pk).values_list("name", flat=True)
        return f"Tool {names.first() or 'unknown'} is stopped"
    if scope == KillSwitch.Scope.AGENT:
        agents = Agent.objects.filter(pk=stop.target or stop.pk).values_list("name", flat=True)
        return f"Agent {agents.first() or 'unknown'} is stopped"
    if scope == KillSwitch.Scope.INITIATOR:
        people = User.objects.filter(pk=stop.target or stop.pk).values_list("username", flat=True)
        return f"Whatever acts for {people.first() or 'somebody unknown'} is stopped"
    return f"Run {str(stop.target)[-8:]} is stopped"


def outbox(organization: uuid.UUID) -> QuerySet[OutboxMessage]:
    """What the demo's mail tool really sent, newest first."""
    return OutboxMessage.objects.filter(organization=organization).order_by("-id")


def notes(organization: uuid.UUID) -> QuerySet[Note]:
    """What the demo's note tool really wrote, newest first."""
    return Note.objects.filter(organization=organization).order_by("-id")
