"""Asking the API in a test: tokens for the cast, an outside agent, and requests that run as the web account."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connection
from django.test import Client

from accounts.models import Agent, Membership, Organization
from accounts.roles import TierLevel
from accounts.tokens import issue
from tests.support.world import MESSAGE, World
from tools.models import AgentTool, Tool
from traces.services import Actor

ROOT = "/api/v1"
TESTS = Actor.system("tests")


@contextlib.contextmanager
def account(role: str) -> Iterator[None]:
    """Everything inside asks the database as this account of the product: web or worker."""
    parts = urlsplit(os.environ[f"COUNTERSIGN_TEST_{role.upper()}"])
    own = {"USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or "")}
    before = {name: connection.settings_dict[name] for name in own}
    connection.close()
    connection.settings_dict.update(own)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def outside_agent(organization: Organization, owner: Any, *tools: str, name: str = "claims-bot") -> Agent:
    """A registered client from outside that may propose calls of these tools."""
    agent = Agent.objects.create(organization=organization, name=name, owner=owner, tier=TierLevel.WRITE)
    for tool in tools:
        AgentTool.objects.create(agent=agent, tool=Tool.objects.get(organization=organization, name=tool))
    return agent


@dataclass
class Caller:
    """Somebody with a token (or without), asking as the web account does."""

    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **query: Any) -> Any:
        """A GET below the API's root."""
        return self._ask("GET", path, QUERY_STRING="&".join(f"{k}={v}" for k, v in query.items()))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """A POST of JSON; text and bytes are sent as they are."""
        raw = body if isinstance(body, (str, bytes)) else b"" if body is None else json.dumps(body)
        return self._ask("POST", path, raw, headers=headers)

    def _ask(self, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None, **extra: Any) -> Any:
        sent = {"Content-Type": "application/json", **self.headers}
        sent.update({name.replace("_", "-"): value for name, value in (headers or {}).items()})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        kind = sent.pop("Content-Type")
        with account("web"):
            return Client(raise_request_exception=False).generic(
                method, path if path.startswith("/") else f"{ROOT}/{path}", body, kind, headers=sent, **extra
            )


@dataclass
class Api:
    """The world, an outside agent, and a caller for each kind of token."""

    world: World
    agent: Agent
    bot: Caller
    operator: Caller
    reviewer: Caller
    auditor: Caller
    outsider: Caller
    stranger: Caller = field(default_factory=Caller)

    def caller(self, name: str, scope: str, agent: Agent | None = None, **changes: Any) -> Caller:
        """A caller with a fresh token."""
        return Caller(token_of(self.world, name, scope, agent, **changes))

    def staged(self, **body: Any) -> dict[str, Any]:
        """An action that the outside agent has proposed."""
        answer = self.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE, **body})
        assert answer.status_code == 202, answer.content
        found: dict[str, Any] = answer.json()
        return found


def token_of(world: World, name: str, scope: str, agent: Agent | None = None, days: int = 1) -> str:
    """The text of a new token of one of the cast."""
    user = world.people[name]
    organization = Membership.objects.of(user)[0].organization
    return issue(user=user, organization=organization, scope=scope, agent=agent, days=days, by=TESTS)[1]


def make_api(world: World) -> Api:
    """A caller for each kind of token: an agent's, and one of each person's that matters."""
    agent = outside_agent(world.organization, world.operator, "send_message")
    return Api(
        world=world,
        agent=agent,
        bot=Caller(token_of(world, "operator", "agent", agent)),
        operator=Caller(token_of(world, "operator", "operate")),
        reviewer=Caller(token_of(world, "reviewer", "operate")),
        auditor=Caller(token_of(world, "auditor", "audit")),
        outsider=Caller(token_of(world, "outsider", "operate")),
    )


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer's problem document, after checking that it is one."""
    assert answer.status_code == status, (answer.status_code, answer.content[:400])
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.content)
    assert (document["status"], document["code"]) == (status, code), document
    return document
