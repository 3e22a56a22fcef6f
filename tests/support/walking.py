"""Walking every address as everybody: who asks, for whose things, and what they are answered."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.actors import person
from accounts.models import Agent, Organization
from accounts.rows import within
from accounts.tokens import issue
from approvals.facts import current_policy
from approvals.models import PolicyProposal
from approvals.services.policy import change_policy
from approvals.services.propose import Proposal, propose
from approvals.services.trial import write
from lam_app.attachments.files import Upload, read_all
from lam_app.hooks import make_hook
from lam_app.models import Hook, Schedule
from lam_app.runs import submit
from lam_app.schedules import schedule_goal
from tests.support.api import TESTS, account, outside_agent, token_of
from tests.support.granting import forged
from tests.support.sql import speaking_as
from tests.support.world import MESSAGE, World
from tools.killswitch import engage
from tools.models import Tool
from traces.calls import ModelCall, remember
from traces.ids import uuid7
from traces.inquiries import export
from traces.working import Work

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PEOPLE = ("operator", "reviewer", "administrator", "auditor", "developer", "outsider")
TOKENS = ("agent", "operate", "audit")
CALLERS = ("anonymous", *PEOPLE, *TOKENS)
KINDS = {
    "run": "run",
    "action": "action",
    "actions": "action",
    "bulk": "action",
    "runs": "run",
    "audit/runs": "run",
    "audit/traces": "trace",
    "audit/subjects": "action",
    "audit/files": "file",
    "runs/schedules": "schedule",
    "runs/hooks": "hook",
    "hooks": "hook",
    "attachments": "attachment",
    "tools": "tool",
    "stop": "stop",
    "settings/people": "member",
    "settings/tokens": "token",
    "policy/entries": "entry",
    "policy/history": "version",
    "policy/grants": "grant",
    "policy/replay": "trial",
    "policy/waiting": "proposal",
}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FOREIGN_TOOL, MISSING_TOOL = "foreign_tool", "missing_tool"
VARIES = {"Set-Cookie", "Content-Length"}
"""Headers that differ for their random values; a body's length is compared with the body."""


def addresses(resolver: URLResolver | None = None, before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Key and pattern of every address below a resolver: its name, or below the API its pattern."""
    for entry in (resolver or get_resolver()).url_patterns:
        pattern = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield (pattern if space.startswith("api") else f"{space}{entry.name}"), pattern
        else:
            yield from addresses(entry, pattern, f"{space}{entry.namespace}:" if entry.namespace else space)


def kind_of(pattern: str) -> str:
    """What the id in an address names; nothing if it has none."""
    if "<" not in pattern:
        return ""
    first, second, *_ = pattern.removeprefix("api/v1/").split("/")
    return KINDS.get(f"{first}/{second}") or KINDS[first]


@dataclass
class Side:
    """One organization's part: who proposes and stops there, and a thing of each kind."""

    world: World
    organization: uuid.UUID
    agent: Agent
    initiator: uuid.UUID
    principals: tuple[uuid.UUID, ...]
    person: str
    stopper: str
    tool: str

    def make(self, kind: str) -> str:
        """A new thing of this kind, by what stands for it in an address."""
        if kind in {"tool", "tool_name"}:
            tool = Tool.objects.get(organization=self.organization, name=self.tool)
            return str(tool.pk) if kind == "tool" else tool.name
        if kind == "member":
            return str(self.world.people[self.person].memberships.get(organization=self.organization).pk)
        if kind == "token":
            user, ours = self.world.people[self.person], Organization.objects.get(pk=self.organization)
            return str(issue(user=user, organization=ours, scope="operate", agent=None, days=1, by=TESTS)[0].pk)
        if kind in {"entry", "version", "trial", "proposal"}:
            return self._of_policy(kind)
        if kind == "grant":
            return str(forged(self.organization, self.make("action"), by=self.world.people[self.stopper]))
        if kind == "action":
            proposal = Proposal(
                organization=self.organization,
                run=uuid7(),
                step=1,
                origin="agent",
                initiator=self.initiator,
                agent=self.agent.pk,
                principals=self.principals,
                tool="send_message",
                arguments=MESSAGE,
            )
            return str(propose(proposal).id)
        if kind in {"schedule", "hook", "attachment"}:
            return self._given(kind)
        run = submit(initiator=self.world.people[self.person], organization=self.organization, goal="Write a note")
        if kind == "run":
            return str(run.id)
        if kind == "trace":
            call = ModelCall(self.organization, run.id, 1, 1, "m", [("user", "hello")], "sha256:0", latency_ms=1)
            with account("worker"):  # pages remember no call of a model
                return str(remember(call))
        if kind == "file":
            return str(self._file())
        stopper = self.world.people[self.stopper]
        stop = engage(actor=stopper, organization=self.organization, scope="run", target=run.id, reason="a drill")
        return str(stop.id)

    def _file(self) -> uuid.UUID:
        """An export whose file is no longer kept."""
        made = export(self.organization, since=None, until=None, by=person(self.world.people[self.person]))
        with account("worker"):
            work = Work({"export": lambda _: iter(())})
            while work.go_on(1):
                pass
        return made.pk

    def _given(self, kind: str) -> str:
        """What gives goals by itself, or a file that came with one."""
        giver: Any = {"organization": self.organization}
        person, goal = self.world.people[self.person], "Write a note"
        if kind == "attachment":
            files = read_all([Upload("note.txt", b"Call back on Monday")])
            run = submit(initiator=person, goal=goal, attached=files, **giver)
            return str(run.attachments.get().pk)
        for model in (Schedule, Hook):  # a person can have so many and no more
            model.objects.filter(person=person, ended_at=None).update(ended_at=Now())
        if kind == "schedule":
            return str(schedule_goal(actor=person, goal=goal, cron="0 9 * * 1", **giver).pk)
        return str(make_hook(actor=person, goal=goal, name="shop", **giver)[0].pk)

    def _of_policy(self, kind: str) -> str:
        """An entry of the policy in force, the version that brought it, or a policy that is only tried."""
        by, number = self.world.people[self.stopper], current_policy(self.organization).number
        named = f"r{uuid7().hex}"
        document = {"rules": [{"id": named}]}
        if kind == "trial":
            return str(write(self.organization, document, by=by, follows=number).pk)
        if kind == "proposal":
            return self._waiting(document, by, number)
        version = change_policy(self.organization, document, reason="a drill", by=by, after=number)
        return named if kind == "entry" else str(version.pk)

    def _waiting(self, document: dict[str, Any], by: Any, number: int) -> str:
        """A policy that waits for a second administrator; one at a time does."""
        open_one = PolicyProposal.objects.filter(organization=self.organization, status="open").first()
        if open_one is None:
            loose = {**document, "confidence": 0.1}
            made = change_policy(self.organization, loose, reason="a drill", by=by, after=number)
            assert isinstance(made, PolicyProposal)
            open_one = made
        return str(open_one.pk)


@dataclass
class Walk:
    """The two organizations and everybody who asks."""

    world: World
    tokens: dict[str, str]
    here: Side
    there: Side
    clients: dict[str, Client] = field(default_factory=dict)

    def side(self, caller: str) -> tuple[Side, Side]:
        """The caller's own side, and the foreign one."""
        return (self.there, self.here) if caller == "outsider" else (self.here, self.there)

    def client(self, caller: str) -> Client:
        """A browser of that person, or one without a session."""
        if caller not in self.clients:
            self.clients[caller] = client = Client(raise_request_exception=False)
            if caller in PEOPLE:
                client.force_login(self.world.people[caller], backend=BACKEND)
        return self.clients[caller]

    def ask(self, caller: str, method: str, path: str, body: Any = None) -> Any:
        """One request as this caller: JSON for the API, a form for pages."""
        headers = {"Authorization": f"Bearer {self.tokens[caller]}"} if caller in self.tokens else {}
        api = path.startswith("/api/")
        if method == "POST" and not api:
            return self.client(caller).post(path, body or {}, headers=headers)
        kind = "application/json" if api else "application/octet-stream"
        sent = _json(body) if api and method == "POST" else b""
        return self.client(caller).generic(method, path, sent, kind, headers=headers)


def make_walk(world: World) -> Walk:
    """The stage: an outside agent at home, and on the other side the outsider with what is theirs."""
    bot = outside_agent(world.organization, world.operator, "send_message")
    there = Agent.objects.get(organization=world.elsewhere, builtin=True)
    Tool.objects.filter(organization=world.elsewhere, name="write_note").update(name=FOREIGN_TOOL)
    Tool.objects.filter(organization=world.organization, name="write_note").update(name="our_own_tool")
    operator, developer, outsider = world.operator.pk, world.developer.pk, world.outsider.pk
    tokens = {
        "agent": token_of(world, "operator", "agent", bot),
        "operate": token_of(world, "operator", "operate"),
        "audit": token_of(world, "auditor", "audit"),
    }
    return Walk(
        world=world,
        tokens=tokens,
        here=Side(
            world,
            world.organization.id,
            bot,
            operator,
            (operator, developer),
            "operator",
            "administrator",
            "our_own_tool",
        ),
        there=Side(world, world.elsewhere.id, there, outsider, (outsider,), "outsider", "outsider", FOREIGN_TOOL),
    )


def place(pattern: str, thing: str) -> str:
    """The address for this thing."""
    return "/" + re.sub(r"<[^>]+>", thing, pattern)


def filled(body: Any, thing: str) -> Any:
    """A body that names the thing wherever the table says so."""
    if isinstance(body, dict):
        return {key: filled(value, thing) for key, value in body.items()}
    return thing if body == "THING" else body


def _json(body: Any) -> bytes:
    import json

    return json.dumps({} if body is None else body).encode()


def made(side: Side, kind: str) -> str:
    """A new thing of a side, made as one of its people would."""
    with within(side.organization):
        return side.make(kind)


@dataclass(frozen=True)
class Answer:
    """Everything that can be told from an answer, without what is random or named by the asker."""

    status: int
    headers: str
    body: str
    statements: int

    @classmethod
    def of(cls, walk: Walk, caller: str, method: str, path: str, body: Any) -> Answer:
        """Ask and look."""
        with CaptureQueriesContext(connection) as asked:
            answer = walk.ask(caller, method, path, body)
        thing = [part for part in path.split("/") if part not in {"", "api", "v1"}][1:3]
        told = "\n".join(sorted(f"{name}: {value}" for name, value in answer.headers.items() if name not in VARIES))
        body = plain(answer.content.decode())
        for named in thing:
            told, body = told.replace(named, "THING"), body.replace(named, "THING")
        return cls(answer.status_code, told, body, len(asked.captured_queries))


def plain(text: str) -> str:
    """A page's text without form tokens and the time."""
    text = re.sub(r'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"[^"]+"', "TOKEN", text)
    return re.sub(r'<meta name="server-time" content="[^"]*">', "", text)


ROWS_OF = """
SELECT c.oid::regclass::text, a.attname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('organization', 'organization_id') AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


def rows_of(organization: uuid.UUID) -> dict[str, tuple[int, str]]:
    """How many rows of each table are an organization's, and a digest of all that they say but who was there when."""
    with speaking_as("admin") as admin:
        return _digests(admin, organization)


def _digests(admin: psycopg.Connection[Any], organization: uuid.UUID) -> dict[str, tuple[int, str]]:
    tables = admin.execute(ROWS_OF).fetchall()
    parts = (
        f"SELECT '{table}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM"
        f" (SELECT to_jsonb(r) - 'last_used_at' AS t FROM {table} r WHERE {column} = '{organization}') s"
        for table, column in tables
        if table != "accounts_signin"
    )
    found = admin.execute(" UNION ALL ".join(parts)).fetchall()  # type: ignore[arg-type]
    return {table: (number, digest) for table, number, digest in found}
