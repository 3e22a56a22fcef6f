"""Nobody can decide: it is seen by whoever can mend it, told in the record, and approved by no one meanwhile."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from approvals.facts.approvers import able, able_to_decide
from approvals.models import Action
from approvals.policy import Able, Policy, read_policy
from approvals.services.expire import expire
from approvals.services.votes import unroutable_now
from approvals.tasks import execute_permitted, sign_permits
from tests.support.sql import without_guards
from tests.support.voting import browser, needing, reviewer, status, team, yes
from tests.support.world import World
from tools.models import OutboxMessage
from traces.models import Event

MISSING = "there is no such team"


def nobody_left(world: World) -> None:
    """No member may review any tool."""
    for person in (world.reviewer, world.reviewer2):
        person.groups.clear()


def test_t27_a_team_that_is_not_there_lets_nobody_decide_and_everybody_concerned_see_it(world: World) -> None:
    needing(world, finance=1)
    action = world.staged()
    assert status(action) == "in_review"
    assert MISSING in action.unroutable
    event = Event.objects.get(subject=action.id, verb="unroutable")
    assert event.reason == action.unroutable
    yes(world, world.reviewer, action)
    yes(world, world.reviewer2, action)
    assert status(action) == "in_review"
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = clock_timestamp()")
    expire()
    assert status(action) == "expired"
    sign_permits()
    execute_permitted()
    assert not OutboxMessage.objects.exists()


def test_t27_where_nobody_may_review_the_tool_it_is_said_too(world: World) -> None:
    nobody_left(world)
    action = world.staged()
    assert "nobody could" in action.unroutable
    assert Event.objects.filter(subject=action.id, verb="unroutable").exists()


def test_t27_the_principals_are_not_among_those_who_could(world: World) -> None:
    action = world.staged(principals=(world.operator.id, world.reviewer.id, world.reviewer2.id))
    assert "nobody could" in action.unroutable


def test_t27_an_administrator_sees_it_and_cannot_decide(world: World) -> None:
    needing(world, finance=1)
    action = world.staged()
    client = browser(world, "administrator")
    tools = client.get("/tools/").content.decode()
    assert "Nobody can decide" in tools
    desk = client.get("/?lane=unroutable").content.decode()
    assert f'data-action="{action.pk}"' in desk
    assert "data-unroutable" in desk
    assert MISSING in desk
    assert 'value="approve"' not in desk
    assert client.get("/")["Location"] == "/tools/"
    for other in ("auditor", "developer"):
        assert browser(world, other).get("/?lane=unroutable").status_code == 302


def test_t27_a_reviewer_sees_it_in_the_row_and_on_the_card(world: World) -> None:
    needing(world, finance=1)
    world.staged()
    desk = browser(world, "reviewer").get("/").content.decode()
    assert "data-unroutable" in desk
    assert "Nobody can decide on this." in desk
    assert MISSING in desk


def test_what_was_mended_is_said_no_more(world: World) -> None:
    needing(world, finance=1)
    action = world.staged()
    team(world, "finance", world.reviewer2)
    assert unroutable_now(action) == ""
    desk = browser(world, "reviewer").get("/").content.decode()
    assert "Nobody can decide on this." not in desk  # the story goes on saying that it was so
    assert "data-unroutable" not in desk
    assert "Can be decided by now" in browser(world, "administrator").get("/?lane=unroutable").content.decode()
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"


def test_somebody_elses_organization_sees_none_of_it(world: World) -> None:
    needing(world, finance=1)
    action = world.staged()
    desk = browser(world, "outsider").get("/?lane=unroutable").content.decode()
    assert str(action.pk) not in desk


def test_who_could_decide_is_one_query_and_none_without_a_tool(world: World) -> None:
    team(world, "finance", world.reviewer2, world.auditor)
    policy = read_policy({"rules": [{"id": "r", "teams": {"finance": 1, "legal": 1, "reviewers": 2}, "reason": "x"}]})
    asked = world.proposal(principals=(world.operator.id, world.reviewer.id))
    with CaptureQueriesContext(
        connection,
    ) as told:
        found = able_to_decide(asked, world.tool(), policy)
    assert len(told) == 2  # the tool itself, for this test
    assert found == (Able("", 1), Able("finance", 1), Able("legal", None), Able("reviewers", 1))
    with CaptureQueriesContext(connection) as told:
        assert able_to_decide(asked, None, Policy()) == ()
    assert len(told) == 0


def test_who_could_decide_are_active_members_who_hold_the_right(world: World) -> None:
    tool = world.tool().id

    def people() -> int | None:
        return able(world.organization.id, tool, (), without=())[0].people

    assert people() == 2
    rita = reviewer(world, "rita")
    assert people() == 3
    rita.memberships.all().delete()
    assert people() == 2
    User.objects.filter(pk=world.reviewer.pk).update(is_active=False)
    assert people() == 1
    world.reviewer2.groups.clear()
    assert people() == 0


@pytest.mark.parametrize("name", ["reviewers", "managers"])
def test_a_team_of_the_same_name_elsewhere_is_another_team(name: str, world: World) -> None:
    needing(world, **{name: 1})
    action = world.staged()
    assert bool(action.unroutable) == (name == "managers")
    assert Action.objects.get(id=action.id).teams == [[name, 1]]
