"""Another tool of those that the agent left aside: a new revision of the same action, judged as if it were new."""

import json
from typing import Any

import psycopg
import pytest

from accounts.models import Team
from approvals.exceptions import NotACandidate, UndoIsNotEdited
from approvals.models import Action, Decision, Revision
from approvals.services.edit import edit
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import on, told
from tests.support.sql import REFUSED, refusal, without_guards
from tests.support.voting import browser, risky, status, two_needed, yes
from tests.support.world import MESSAGE, World
from tools.killswitch import engage
from tools.models import Execution, Note, OutboxMessage, Tool
from tools.rights import revoke

NOTE = {"about": "order 1009", "text": "Call the customer back."}
ASIDE = ({"tool": "write_note", "why_not": "The customer would not see it."}, {"tool": "no_such_tool", "why_not": ""})


def chosen(world: World, name: str, action: Action, tool: str = "write_note", **more: Any) -> Revision:
    found: Revision = on(world, edit, name, action, **{"arguments": NOTE, "tool": tool, **more})
    action.refresh_from_db()
    return found


@pytest.fixture
def action(world: World) -> Action:
    return world.staged(considered=ASIDE)


def test_what_was_left_aside_is_kept_with_every_revision(world: World, action: Action) -> None:
    assert action.revisions.get().considered == list(ASIDE)
    on(world, edit, "reviewer", action, arguments={**MESSAGE, "body": "Other."})
    assert action.revisions.get(number=2).considered == list(ASIDE)


def test_another_tool_is_another_revision_under_its_own_stops_and_rights(world: World, action: Action) -> None:
    note, message = world.tool("write_note"), world.tool()
    revision = chosen(world, "reviewer", action)
    assert (action.tool_id, action.tool_name, action.revision) == (note.id, "write_note", 2)
    assert (revision.tool_version_id, json.loads(revision.arguments)) == (note.version_id, NOTE)
    assert f"tool:{note.id}" in action.scopes
    assert f"tool:{message.id}" not in action.scopes
    assert len(action.scopes) == len(set(action.scopes)) == 6
    assert told(world, action)[-1] == "chosen"
    yes(world, world.reviewer2, action)
    sign_permits()
    execute_permitted()
    assert status(action) == "done"
    assert (Note.objects.count(), OutboxMessage.objects.count()) == (1, 0)
    assert Execution.objects.get().tool_version_id == note.version_id


def test_a_yes_to_the_first_tool_is_none_to_the_other(world: World) -> None:
    action = two_needed(world)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_revision SET considered = %s", [json.dumps(ASIDE)])
    yes(world, world.reviewer, action)
    chosen(world, "reviewer2", action)
    assert Decision.objects.filter(revision__number=2).count() == 0
    assert status(action) == "in_review"


def test_only_what_was_left_aside_and_may_be_reviewed_can_be_chosen(world: World, action: Action) -> None:
    for tool in ("no_such_tool", "put_odd"):
        with pytest.raises(NotACandidate):
            chosen(world, "reviewer", action, tool)
    assert Action.objects.get().revision == 1


def test_whoever_may_not_review_the_other_tool_makes_no_call_of_it(world: World, action: Action) -> None:
    reviewers = Team.objects.get(organization=world.organization, name="reviewers")
    revoke(world.tool("write_note"), "review", of=reviewers, by=world.administrator, reason="a test")
    with pytest.raises(NotACandidate):
        chosen(world, "reviewer", action)


def test_the_other_tools_stop_holds_it_at_once(world: World, action: Action) -> None:
    note = world.tool("write_note")
    chosen(world, "reviewer", action)
    yes(world, world.reviewer2, action)
    sign_permits()
    engage(actor=world.reviewer, organization=world.organization.id, scope="tool", target=note.id, reason="a drill")
    assert execute_permitted() == 0
    assert not Note.objects.exists()


def test_what_the_policy_denies_for_the_other_tool_is_denied(world: World, action: Action) -> None:
    Tool.objects.filter(name="write_note").update(forbidden=True)
    chosen(world, "reviewer", action)
    assert status(action) == "denied"


def test_t18_on_high_risk_whoever_chose_does_not_approve(world: World, action: Action) -> None:
    risky(world, "write_note")
    chosen(world, "reviewer", action)
    assert action.risk == "high"
    with pytest.raises(Exception, match="somebody else has to approve"):
        yes(world, world.reviewer, action)
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"


def test_an_undo_keeps_its_tool(world: World, action: Action) -> None:
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET undo_of = gen_random_uuid()")
    with pytest.raises(UndoIsNotEdited):
        chosen(world, "reviewer", action)


@pytest.mark.parametrize("account", ["as_web", "as_worker"])
def test_t22_plain_sql_puts_no_other_tool_in_its_place(
    account: str, world: World, action: Action, request: pytest.FixtureRequest
) -> None:
    speaking: psycopg.Connection[Any] = request.getfixturevalue(account)
    note = world.tool("write_note")
    elsewhere = Tool.objects.filter(organization=world.elsewhere).first()
    assert elsewhere is not None
    swap = "UPDATE approvals_action SET tool_id = %(tool)s, tool_name = %(name)s {more}"
    scoped = ", scopes = array_append(array_remove(scopes, 'tool:' || tool_id), %(scope)s)"
    for tool, name, more, words in (
        (note.id, "write_note", scoped, "only with a new revision"),
        (note.id, "write_note", ", revision = revision + 1, digest = 'x'", "a stop could not reach it"),
        (note.id, "write_note", ", revision = revision + 1, digest = 'x', scopes = '{everything}'", "could not reach"),
        (note.id, "send_message", scoped + ", revision = revision + 1, digest = 'x'", "than the one that is named"),
        (elsewhere.id, elsewhere.name, scoped + ", revision = revision + 1, digest = 'x'", "is named"),
        (note.id, "write_note", scoped + ", revision = revision + 1, digest = 'x'", "no revision of that number"),
    ):
        params = {"tool": tool, "name": name, "scope": f"tool:{tool}"}
        code, said = refusal(speaking, swap.format(more=more), params)
        assert (code, words in said) == (REFUSED, True), (words, said)


def test_the_form_of_a_candidate_carries_over_what_fits(world: World, action: Action) -> None:
    client = browser(world, "reviewer")
    page = client.get(f"/actions/{action.pk}/edit/?tool=write_note")
    assert page.status_code == 200
    assert [field.name for field in page.context["fields"]] == ["text", "about"]
    assert client.get(f"/actions/{action.pk}/edit/?tool=put_odd").status_code == 404
    sent = client.post(
        f"/actions/{action.pk}/edit/",
        {"digest": action.digest, "tool": "write_note", "argument:about": "order 1009", "argument:text": "Call."},
    )
    assert sent.status_code == 302
    action.refresh_from_db()
    assert (action.tool_name, action.revision) == ("write_note", 2)
