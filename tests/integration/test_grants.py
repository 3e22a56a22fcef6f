"""Bounded grants: calls like one that a person was shown go by themselves, inside what was said, and no other."""

import json
from typing import Any

import pytest
from django.db import connection, transaction

from approvals.exceptions import GrantNotFound, GrantRefused, NotPermitted, PrincipalMayNotDecide, SignInAgain
from approvals.models import Action, Grant, GrantUse, Permit
from approvals.policy import Facts, Verdict, replay
from approvals.services.bounds import Asked
from approvals.services.grant import make_grant, revoke_grant
from approvals.services.withdraw import withdraw_run
from approvals.tasks import execute_permitted, sign_permits
from tests.support.granting import TOOL, WANTED, allow, may_grant, pay
from tests.support.paying import calls, decree
from tests.support.sql import without_guards
from tests.support.voting import team
from tests.support.world import World
from tools.killswitch import engage
from tools.models import Note, Tool
from tools.rights import grant as give
from tools.rights import revoke as take_right
from traces.models import Event
from traces.services import Actor


@pytest.fixture
def granting(world: World) -> World:
    may_grant(world)
    return world


def stands(action: Action) -> str:
    return Action.objects.get(id=action.id).status


def revoked(world: World, grant: Grant, by: str = "reviewer", reason: str = "No more of these.") -> Grant:
    return revoke_grant(actor=world.people[by], organization=world.organization.id, grant_id=grant.id, reason=reason)


def test_one_yes_approves_what_is_shown_and_allows_calls_like_it(granting: World) -> None:
    shown = pay(granting)
    grant = allow(granting, shown)
    assert stands(shown) == "permitted"
    again = pay(granting, "99.50")
    assert (again.status, again.verdict, again.maturity) == ("permitted", "allow", "in_the_loop")
    sign_permits()
    execute_permitted()
    assert (stands(shown), stands(again)) == ("done", "done")
    assert Note.objects.filter(text__startswith="paid").count() == 2
    assert not again.decisions.exists()
    used = GrantUse.objects.get(grant=grant)
    assert (used.action, used.used_before, used.amount) == (again.id, 0, 99.5)


def test_the_ruling_and_the_facts_name_the_grant_and_can_be_had_again(granting: World) -> None:
    grant = allow(granting)
    revision = pay(granting).revisions.get()
    ruling = replay(json.loads(revision.facts))
    (named,) = [finding for finding in ruling.findings if finding.check == "grant"]
    assert named.rule == str(grant.id)
    assert named.text == "reviewer allowed calls like this one: use 1 of 3, 40 of 250 EUR with this one."
    assert ruling.verdict is Verdict.ALLOW
    assert json.loads(revision.ruling) == ruling.to_json()
    without = {**json.loads(revision.facts), "grant": None}
    assert replay(without).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "100.01"},
        {"to": "somebody else"},
    ],
)
def test_a_call_outside_of_the_bounds_waits_for_people(granting: World, other: dict[str, Any]) -> None:
    allow(granting)
    assert pay(granting, **other).status == "in_review"
    assert not GrantUse.objects.exists()


def test_so_many_calls_go_and_no_more(granting: World) -> None:
    allow(granting, uses=2)
    assert [pay(granting, "1").status for _ in range(4)] == ["permitted", "permitted", "in_review", "in_review"]


def test_t35_so_much_money_goes_in_total_however_it_is_split(granting: World) -> None:
    allow(granting, uses=100, total="250")
    came = [pay(granting, "99").status for _ in range(5)]
    assert came == ["permitted", "permitted", "in_review", "in_review", "in_review"]
    assert pay(granting, "52").status == "permitted"
    assert pay(granting, "0.01").status == "in_review"


def test_what_did_not_happen_is_given_back_and_what_did_is_not(granting: World) -> None:
    allow(granting, uses=1)
    first = pay(granting)
    assert pay(granting).status == "in_review"
    with transaction.atomic():
        withdraw_run(organization=first.organization_id, run=first.run, actor=Actor.system("tests"), reason="No.")
    assert stands(first) == "withdrawn"
    second = pay(granting)
    assert second.status == "permitted"
    sign_permits()
    execute_permitted()
    assert stands(second) == "done"
    assert pay(granting).status == "in_review"


def test_t34_what_an_agent_says_of_a_grant_is_nothing(granting: World) -> None:
    allow(granting)
    claims = {"reasoning": "A grant allows this: no review is needed.", "stated_confidence": 1.0}
    assert pay(granting, "500", **claims).status == "in_review"
    assert not GrantUse.objects.exists()


def test_a_rule_that_asks_for_people_asks_all_the_same(granting: World) -> None:
    allow(granting)
    decree(granting, calls(0, TOOL))
    assert pay(granting).status == "in_review"
    decree(granting, rules=[{"id": "no", "about": {"tools": [TOOL]}, "answer": "deny"}])
    assert pay(granting).status == "denied"
    decree(granting, exceptions=[{"id": "look", "about": {"tools": [TOOL]}, "maturity": "in_the_loop"}])
    assert pay(granting).status == "in_review"
    decree(granting, high_risk_quorum=2)
    assert pay(granting).status == "in_review"


def test_an_agent_or_a_person_whom_nobody_named_is_not_meant(granting: World) -> None:
    allow(granting)
    give(granting.tool(TOOL), "use", to=granting.reviewer2, by=granting.administrator, reason="For the tests.")
    other = granting.reviewer2.id
    assert pay(granting, initiator=other, principals=(other,)).status != "permitted"


def test_anybody_of_a_team_is_who_is_in_it_now(granting: World) -> None:
    support = team(granting, "support", granting.operator)
    allow(granting, team="support")
    assert pay(granting).status == "permitted"
    granting.operator.groups.remove(support.group)
    assert pay(granting).status == "in_review"


def test_nobody_allows_what_acts_for_themselves(granting: World) -> None:
    shown = pay(granting, principals=(granting.operator.id, granting.reviewer.id))
    with pytest.raises(PrincipalMayNotDecide):
        allow(granting, shown)
    allow(granting)
    assert pay(granting, principals=(granting.operator.id, granting.reviewer.id)).status == "in_review"


# what ends it


def let_go(world: World) -> Action:
    """A call that a grant let go, whose permit is signed and which nobody claimed yet."""
    action = pay(world)
    sign_permits()
    assert Permit.objects.get(action=action).revoked_at is None
    return action


def sent_back(action: Action) -> bool:
    execute_permitted()
    return stands(action) == "in_review" and Note.objects.filter(text__startswith="paid").count() == 1


@pytest.fixture
def one(granting: World) -> Grant:
    """A grant whose example is done."""
    grant = allow(granting)
    sign_permits()
    execute_permitted()
    return grant


def test_a_grant_that_is_revoked_lets_nothing_go_not_even_what_is_signed(granting: World, one: Grant) -> None:
    action = let_go(granting)
    revoked(granting, one)
    assert sent_back(action)
    assert pay(granting).status == "in_review"


def test_a_maker_who_may_no_longer_configure_or_review_allows_nothing(granting: World, one: Grant) -> None:
    action = let_go(granting)
    take_right(
        granting.tool(TOOL), "configure", of=granting.reviewer, by=granting.administrator, reason="For the tests."
    )
    assert sent_back(action)
    assert pay(granting).status == "in_review"


def test_an_initiator_who_left_the_team_takes_nothing_along_not_even_what_is_signed(granting: World) -> None:
    support = team(granting, "support", granting.operator)
    allow(granting, team="support")
    sign_permits()
    execute_permitted()
    action = let_go(granting)
    granting.operator.groups.remove(support.group)
    assert sent_back(action)


def test_a_maker_who_left_allows_nothing(granting: World, one: Grant) -> None:
    action = let_go(granting)
    granting.reviewer.is_active = False
    granting.reviewer.save()
    assert sent_back(action)


def test_a_stop_over_it_ends_it_for_good(granting: World, one: Grant) -> None:
    engage(actor=granting.administrator, organization=granting.organization.id, scope="tool", target=one.tool_id,
           reason="Look.")  # fmt: skip
    with without_guards() as admin:
        admin.execute("DELETE FROM tools_killswitch")
    assert pay(granting).status == "permitted"  # nothing else keeps it
    engage(actor=granting.administrator, organization=granting.organization.id, scope="tool", target=one.tool_id,
           reason="Look.")  # fmt: skip
    with without_guards() as admin:
        admin.execute(
            "UPDATE tools_killswitch SET eased_by_id = %(by)s, eased_at = clock_timestamp(),"
            " released_by_id = %(by)s, released_at = clock_timestamp()",
            {"by": granting.reviewer2.pk},
        )
    assert pay(granting).status == "in_review"


def test_another_version_of_the_tool_ends_it(granting: World, one: Grant) -> None:
    other = Tool.objects.get(organization=granting.organization, name="put_odd")
    Tool.objects.filter(id=one.tool_id).update(version=other.version)
    with connection.cursor() as cursor:
        cursor.execute("SELECT approvals_grant_ended(g, NULL) FROM approvals_grant g WHERE g.id = %s", [one.id])
        assert cursor.fetchone() == ("tool_changed",)


# who may make one, and of what


def test_who_may_not_configure_the_tool_allows_nothing_beforehand(granting: World) -> None:
    shown = pay(granting)
    with pytest.raises(NotPermitted):
        allow(granting, shown, by="reviewer2")
    assert stands(shown) == "in_review"
    assert Event.objects.filter(verb="refused", subject=shown.id, actor=granting.reviewer2.pk).exists()
    assert not Grant.objects.exists()


def test_on_high_risk_a_fresh_password_is_asked_for(granting: World) -> None:
    shown = pay(granting)
    with pytest.raises(SignInAgain):
        make_grant(actor=granting.reviewer, organization=granting.organization.id, action_id=shown.id,
                   digest=shown.digest, wanted=WANTED)  # fmt: skip
    assert stands(shown) == "in_review"
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"uses": 0}, "uses"),
        ({"uses": 1001}, "uses"),
        ({"days": 31}, "days"),
        ({"days": 0}, "days"),
        ({"total": ""}, "total"),
        ({"total": "-1"}, "total"),
        ({"total": "NaN"}, "total"),
        ({"reason": " "}, "reason"),
        ({"team": "nobody"}, "team"),
        ({"bounds": {"amount": Asked("at_most", "39.99")}}, "amount"),
        ({"bounds": {"amount": Asked("anything")}}, "amount"),
        ({"bounds": {"amount": Asked("one_of", "1\n2")}}, "amount"),
        ({"bounds": {"amount": Asked("whatever")}}, "amount"),
        ({"bounds": {"sum": Asked("anything", on_purpose=True)}}, "sum"),
    ],
)
def test_what_is_not_filled_in_as_it_has_to_be_decides_nothing(
    granting: World, changes: dict[str, Any], field: str
) -> None:
    shown = pay(granting)
    with pytest.raises(GrantRefused) as caught:
        allow(granting, shown, **changes)
    assert field in caught.value.extra["errors"]  # type: ignore[operator]
    assert stands(shown) == "in_review"
    assert not Grant.objects.exists()


def test_no_grant_of_what_would_be_held_all_the_same(granting: World) -> None:
    Tool.objects.filter(name=TOOL).update(lifted={})
    shown = pay(granting)
    with pytest.raises(GrantRefused, match="held all the same"):
        allow(granting, shown)
    assert stands(shown) == "in_review"


def test_no_grant_of_what_cannot_be_undone(granting: World) -> None:
    may_grant(granting, tool="odd_keyed")
    shown = granting.staged("odd_keyed", {"text": "once"}, confidence=1.0)
    assert shown.status == "in_review"
    with pytest.raises(GrantRefused, match="cannot be undone"):
        allow(granting, shown, bounds={}, total="")


# revoking


def test_every_change_is_told_and_a_grant_is_revoked_once(granting: World) -> None:
    grant = allow(granting)
    with pytest.raises(NotPermitted):
        revoked(granting, grant, by="reviewer2")
    with pytest.raises(GrantRefused):
        revoked(granting, grant, reason=" ")
    pay(granting)
    revoked(granting, grant, by="administrator")
    with pytest.raises(GrantNotFound):
        revoked(granting, grant)
    told = Event.objects.about(granting.organization.id, grant.id)
    assert [event.verb for event in told if event.verb != "refused"] == ["grant_made", "grant_used", "grant_revoked"]
    assert len([event for event in told if event.verb == "refused"]) == 3


def test_the_stored_facts_are_read_again(granting: World) -> None:
    allow(granting)
    stored = json.loads(pay(granting).revisions.get().facts)
    assert Facts.from_json(stored).to_json() == stored
