"""What runs is held to the list as well: every statement that writes a governed table came from a listed module.

All connections of the process are watched where statements leave it, below Django. The writer is the nearest code of
ours on the stack, whichever library it went through.
"""

from __future__ import annotations

import re
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization
from accounts.roles import Role
from accounts.standing import set_roles, set_tier
from approvals.models import Action, Decision
from approvals.services.reject import reject
from approvals.services.verdict import did_not_happen
from approvals.tasks import execute_permitted, sign_permits
from lam_app import seed
from lam_app.models import Report, Run
from lam_app.planner.standin.server import Handler, Server
from lam_app.runs import cancel
from lam_app.sweep import sweep
from lam_app.tasks import advance_runs
from tests.architecture.source import APPS, PROJECT
from tests.architecture.writers import MAY_WRITE
from tests.support.stops import lift
from tests.support.voting import just_now
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.models import Note, OutboxMessage, Tool
from tools.offering import offer_installed_tools
from tools.resources import declare, withdraw
from tools.rights import grant, revoke
from traces.models import Event

WRITE = re.compile(r"\b(INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM|MERGE\s+INTO|COPY)\s+\"?(\w+)\"?", re.IGNORECASE)
WATCHING = {"_writer", "look", "watched"}
PASSES_ON = str(PROJECT / "accounts" / "rows.py")
"""Every statement goes through it, and none is its own but the one that names the organization."""
OURS = tuple(str(PROJECT / name) + "/" for name in (*APPS, "tests"))
PRESENCE = {("tools.presence", "tools_worker")}
"""A worker that an earlier test was says every second that it is there."""


def governed() -> set[str]:
    """Every table of our apps, those between two others included."""
    models = [model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]
    return {model._meta.db_table for model in models}


@dataclass
class Watch:
    """Who wrote to which governed table."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    tables: set[str] = field(default_factory=governed)

    def look(self, query: Any) -> None:
        """Note the writers of this statement; called from inside the driver."""
        text = query if isinstance(query, str) else query.decode() if isinstance(query, bytes) else query.as_string()
        written = {table.lower() for _, table in WRITE.findall(text)} & self.tables
        if written:
            writer = _writer()
            self.seen |= {(writer, table) for table in written}

    @property
    def strangers(self) -> set[tuple[str, str]]:
        """Writes that nobody allowed."""
        return {(writer, table) for writer, table in self.seen if writer not in MAY_WRITE}


def _writer() -> str:
    frame: FrameType | None = sys._getframe(0)
    while frame is not None and (
        not frame.f_code.co_filename.startswith(OURS)
        or frame.f_code.co_filename == PASSES_ON
        or (frame.f_code.co_filename == __file__ and frame.f_code.co_name in WATCHING)
    ):
        frame = frame.f_back
    return str(frame.f_globals["__name__"]) if frame is not None else "nobody of ours"


@pytest.fixture
def watch(world: World, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Begins when the stage is set."""
    watch = Watch()
    for name in ("execute", "executemany", "copy"):
        real = getattr(psycopg.Cursor, name)

        def watched(cursor: Any, query: Any, *args: Any, real: Any = real, **kwargs: Any) -> Any:
            watch.look(query)
            return real(cursor, query, *args, **kwargs)

        monkeypatch.setattr(psycopg.Cursor, name, watched)
    return watch


@pytest.fixture
def model(settings: Any) -> Iterator[None]:
    """The stand-in, answering over HTTP from a thread."""
    from lam_app.planner.providers import forget

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}/v1"
        yield
        forget()
        server.shutdown()
        thread.join()


def as_person(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_from_a_goal_to_its_report_only_listed_modules_write(world: World, model: None, watch: Watch) -> None:
    operator, reviewer = as_person(world, "operator"), as_person(world, "reviewer")
    watch.seen.clear()  # signing in is Django's own
    goal = "Tell the customer of order 1009 that it is delayed until Friday"
    assert operator.post(reverse("run_new"), {"goal": goal}).status_code == 302
    advance_runs()
    action = Action.objects.get()
    assert action.status == "in_review"
    answer = reviewer.post(
        reverse("action_decide", args=[action.id]), {"decision": "approve", "digest": action.digest, "reason": ""}
    )
    assert answer.status_code == 302
    assert (sign_permits(), execute_permitted()) == (1, 1)
    advance_runs()
    assert Run.objects.get().status == "succeeded"
    assert OutboxMessage.objects.count() == Report.objects.count() == 1
    assert watch.strangers == set()
    assert watch.seen >= {
        ("lam_app.runs", "lam_app_run"),
        ("lam_app.loop", "lam_app_step"),
        ("lam_app.loop", "lam_app_report"),
        ("traces.services", "lam_app_run"),
        ("traces.services", "approvals_action"),
        ("traces.services", "tools_execution"),
        ("traces.services", "traces_event"),
        ("traces.calls", "traces_trace"),
        ("approvals.services.propose", "approvals_action"),
        ("approvals.services.deciding", "approvals_decision"),
        ("approvals.services.permit", "approvals_permit"),
        ("tools.catalogue.send_message", "tools_outboxmessage"),
    }


def test_stops_noes_and_the_sweep_write_through_listed_modules(world: World, watch: Watch) -> None:
    organization = world.organization.id
    switch = engage(actor=world.reviewer, organization=organization, scope="organization", target=None, reason="drill")
    sweep()
    lift(actor=world.reviewer2, organization=organization, switch_id=switch.id, reason="over")
    refused = world.staged()
    reject(actor=world.reviewer, organization=organization, action_id=refused.id, digest=refused.digest, reason="no")
    cancel(actor=world.operator, organization=organization, run_id=world.run().id)
    noted = world.staged("write_note", {"text": "a note"})
    approved(world, noted)
    sign_permits()
    execute_permitted()
    sweep()
    assert Note.objects.count() == 1
    assert watch.strangers == set()
    assert watch.seen >= {
        ("tools.killswitch", "tools_killswitch"),
        ("tools.catalogue.write_note", "tools_note"),
        ("approvals.services.deciding", "approvals_decision"),
    }


def test_a_person_s_word_on_an_unknown_outcome_is_written_by_its_verb(
    world: World, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the answer was lost")

    monkeypatch.setattr(Note.objects, "create", broken)
    action = world.staged("write_note", {"text": "a note"})
    approved(world, action)
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "uncertain"
    did_not_happen(
        actor=world.reviewer,
        organization=world.organization.id,
        action_id=action.id,
        digest=action.digest,
        reason="asked",
        signed_in_at=just_now(),
    )
    assert Decision.objects.filter(verb="did_not_happen").count() == 1
    assert watch.strangers == set()


def test_a_new_organization_is_made_by_the_seed(world: World, watch: Watch) -> None:
    made = seed.create_organization("third", "Third")
    seed.create_person(made, "tess", roles=(Role.OPERATOR,), tier="write", password="long enough for a test")
    offer_installed_tools(made)
    assert Tool.objects.filter(organization=made).exists()
    assert watch.strangers == set()
    writers = {"accounts.standing", "lam_app.seed", "tools.offering", "traces.services"}
    assert {writer for writer, _ in watch.seen - PRESENCE} == writers


def test_rights_standing_and_things_outside_are_changed_by_their_verbs(world: World, watch: Watch) -> None:
    by, tool = world.administrator, world.tool()
    grant(tool, "stop", to=world.developer, by=by, reason="a drill")
    revoke(tool, "stop", of=world.developer, by=by, reason="over")
    set_tier(world.agent, "read", by=by, reason="a drill")
    set_roles(Membership.objects.get(user=world.developer), ["reviewer"], by=by, reason="trained")
    declare(world.organization, "mailbox", "support@demo.example", by=by, reason="we run it")
    withdraw(world.organization, "mailbox", "support@demo.example", by=by, reason="sold")
    assert watch.strangers == set()
    writers = {"accounts.standing", "tools.rights", "tools.resources", "traces.services"}
    assert {writer for writer, _ in watch.seen - PRESENCE} == writers


def test_a_write_from_anywhere_else_is_caught(world: World, watch: Watch) -> None:
    Organization.objects.filter(id=world.organization.id).update(name="Renamed")
    assert watch.strangers == {(__name__, "accounts_organization")}


def test_plain_sql_on_a_connection_of_its_own_is_caught(world: World, watch: Watch, as_web: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error):
        as_web.execute("DELETE FROM traces_event WHERE id = %s", [uuid.uuid4()])
    assert watch.strangers == {(__name__, "traces_event")}
    assert Event.objects.exists()


def test_reading_is_no_write(world: World, watch: Watch) -> None:
    world.organization.refresh_from_db()
    assert list(Tool.objects.all())
    assert watch.seen - PRESENCE == set()


def test_every_place_of_ours_exists() -> None:
    assert all(Path(place).is_dir() for place in OURS)
