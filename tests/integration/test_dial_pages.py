"""The administrator's pages: what they show, what they let be done, and what they refuse, as the shell does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Agent, Team
from tests.support.api import outside_agent, token_of
from tests.support.dialling import WHY, ready, second_administrator
from tests.support.racing import race
from tests.support.voting import browser_of
from tests.support.world import World, approved
from tools.changes import AgentChange, DialChange, DialProposal, RightChange
from tools.contract import Contract
from tools.kinds import Maturity
from tools.models import Tool
from tools.offering import offer
from tools.queries import holds
from tools.registry import contracts

ON = {"what": "set", "maturity": "on_the_loop", "veto_seconds": "30", "reason": WHY}


def browser(world: World, name: str, *, ago: float | None = 0) -> Client:
    return browser_of(world.people.get(name) or second_administrator(world), ago=ago)


def dial(client: Client, tool: Tool, **form: str) -> Any:
    """Send the dial's form as the page has it."""
    seen = DialChange.objects.filter(tool=tool).count()
    return client.post(reverse("tool_dial", args=[tool.pk]), {"seen": str(seen), **form})


def maturity(tool: Tool) -> str:
    return Tool.objects.get(pk=tool.pk).maturity


def team(world: World, name: str) -> Team:
    return Team.objects.get(organization=world.organization, name=name)


def give(client: Client, tool: Tool, right: str, to: str, what: str = "give", reason: str = WHY) -> Any:
    form = {"what": what, "tool": str(tool.pk), "right": right, "to": to, "reason": reason}
    return client.post(reverse("matrix"), form)


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_an_administrator_sets_a_tool_on_the_loop_and_the_page_tells_of_it(world: World) -> None:
    tool, admin = ready(world), browser(world, "administrator")
    answer = dial(admin, tool, **ON)
    assert (answer.status_code, answer.url) == (302, reverse("tool", args=[tool.pk]))
    shown = text(admin.get(reverse("tool", args=[tool.pk])))
    assert "On the loop, 30 s since" in shown
    assert f"How freely it acts: In the loop → On the loop Veto window: 0 s → 30 s {WHY}" in shown
    assert "On the loop, 30 s" in text(admin.get(reverse("tools"), {"q": "lend_odd"}))


def test_raising_a_tool_whose_list_is_not_met_is_refused_and_the_page_says_what_is_missing(world: World) -> None:
    tool, admin = world.tool("send_message"), browser(world, "administrator")
    answer = dial(admin, tool, **ON)
    assert answer.status_code == 409
    assert "Nothing was changed. send_message is not ready" in text(answer)
    assert "Limits: No limit of the policy covers all of its calls" in text(answer)
    assert (maturity(tool), DialChange.objects.count()) == ("in_the_loop", 0)


@pytest.mark.parametrize(("scope", "name"), [("agent", "operator"), ("operate", "administrator"), ("audit", "auditor")])
def test_no_token_reaches_the_dial(scope: str, name: str, world: World) -> None:
    """A program cannot make itself freer: neither on the pages nor anywhere below the API."""
    tool = ready(world)
    bot = outside_agent(world.organization, world.operator, "lend_odd") if scope == "agent" else None
    bearer = {"Authorization": f"Bearer {token_of(world, name, scope, bot)}"}
    form = {"seen": "0", **ON}
    answer = Client().post(reverse("tool_dial", args=[tool.pk]), form, headers=bearer)
    assert (answer.status_code, answer.url.startswith(reverse("account_login"))) == (302, True)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        sent = Client().generic(
            method, f"/api/v1/tools/{tool.name}", b'{"maturity": "audit_only"}', "application/json", headers=bearer
        )
        assert sent.status_code == 405
    assert maturity(tool) == "in_the_loop"


def test_t23_nobody_agrees_to_their_own_change_nor_gives_themselves_a_right(world: World) -> None:
    tool, admin = ready(world, "pay_odd"), browser(world, "administrator")
    assert dial(admin, tool, **ON).status_code == 302
    waiting = DialProposal.objects.get(tool=tool)
    answer = dial(admin, tool, what="accept", proposal=str(waiting.pk), reason="Looks good.")
    assert answer.status_code == 403
    for to in (f"user:{world.administrator.pk}", f"team:{team(world, 'administrators').pk}"):
        assert give(admin, tool, "review", to).status_code == 403
    assert maturity(tool) == "in_the_loop"
    assert not holds(world.administrator.pk, tool.pk, "review_tool")
    assert dial(browser(world, "second"), tool, what="accept", proposal=str(waiting.pk), reason="I looked.").url
    assert maturity(tool) == "on_the_loop"


def test_t24_a_right_that_is_taken_on_the_page_is_gone_for_what_was_approved_before(world: World) -> None:
    from approvals.tasks import execute_permitted, sign_permits
    from tools.models import OutboxMessage

    action = world.staged()
    approved(world, action)
    admin = browser(world, "administrator")
    answer = give(admin, world.tool(), "review", f"team:{team(world, 'reviewers').pk}", what="take")
    assert answer.status_code == 302
    sign_permits()
    execute_permitted()
    assert not OutboxMessage.objects.exists()
    assert "Nobody" in text(admin.get(reverse("matrix"), {"tool": str(world.tool().pk)}))


@pytest.mark.parametrize("ago", [301, None])
def test_t39_an_old_session_agrees_to_nothing_and_comes_back_to_the_tool(world: World, ago: float | None) -> None:
    tool = ready(world, "pay_odd")
    assert dial(browser(world, "administrator", ago=ago), tool, **ON).status_code == 302  # asking needs none
    waiting = str(DialProposal.objects.get(tool=tool).pk)
    second = second_administrator(world)
    old = browser_of(second, ago=ago)
    assert "Whoever agrees is asked for their password first" in text(old.get(reverse("tool", args=[tool.pk])))
    answer = dial(old, tool, what="accept", proposal=waiting, reason="I looked.")
    assert answer.status_code == 401
    assert f'name="next" value="{reverse("tool", args=[tool.pk])}#dial"' in answer.content.decode()
    assert DialProposal.objects.get().status == "open"
    assert maturity(tool) == "in_the_loop"
    assert "asked for their password" not in text(browser_of(second).get(reverse("tool", args=[tool.pk])))
    assert dial(old, tool, what="withdraw", proposal=waiting, reason="No.").status_code == 302  # a no needs none


def test_t25_one_person_agrees_once_however_often_they_send_it(world: World) -> None:
    tool = ready(world, "pay_odd")
    dial(browser(world, "administrator"), tool, **ON)
    waiting = str(DialProposal.objects.get(tool=tool).pk)
    second = second_administrator(world)
    sessions = [browser_of(second) for _ in range(6)]
    found = race(
        *(lambda c=c: dial(c, tool, what="accept", proposal=waiting, reason="Yes.").status_code for c in sessions)
    )
    assert found.count(302) == 1
    assert set(found) <= {302, 404, 409}
    assert DialChange.objects.filter(tool=tool).count() == 1


def test_t26_agreeing_takes_the_right_to_configure_and_not_that_to_review(world: World) -> None:
    tool = ready(world, "pay_odd")
    dial(browser(world, "administrator"), tool, **ON)
    waiting = str(DialProposal.objects.get(tool=tool).pk)
    for name in ("reviewer", "reviewer2"):
        assert dial(browser(world, name), tool, what="accept", proposal=waiting, reason="Yes.").status_code == 403
    assert maturity(tool) == "in_the_loop"


def test_t27_with_its_last_reviewer_gone_a_tool_is_not_raised_and_the_pages_say_so(world: World) -> None:
    tool, admin = ready(world), browser(world, "administrator")
    give(admin, tool, "review", f"team:{team(world, 'reviewers').pk}", what="take")
    answer = dial(admin, tool, **ON)
    assert (answer.status_code, maturity(tool)) == (409, "in_the_loop")
    assert "Nobody may review it" in text(answer)
    assert "Nobody may review it" in text(admin.get(reverse("tool_readiness", args=[tool.pk])))


@pytest.mark.parametrize("more", [{"risk": "low"}, {"auto_approve": "true"}, {"policy": "none"}, {"organization": "x"}])
def test_t34_the_form_has_no_field_for_what_is_computed(more: dict[str, str], world: World) -> None:
    tool = ready(world)
    assert dial(browser(world, "administrator"), tool, **ON, **more).status_code == 400
    assert maturity(tool) == "in_the_loop"


def test_t35_many_small_steps_up_are_judged_like_one(world: World) -> None:
    tool, admin = ready(world), browser(world, "administrator")
    assert dial(admin, tool, **ON | {"veto_seconds": "3600"}).status_code == 302
    give(admin, tool, "review", f"team:{team(world, 'reviewers').pk}", what="take")
    for seconds in ("3000", "2000", "1000", "1"):
        assert dial(admin, tool, **ON | {"veto_seconds": seconds}).status_code == 409
    assert Tool.objects.get(pk=tool.pk).veto_seconds == 3600


def test_t36_what_was_set_is_read_from_the_database_with_the_cache_gone(world: World, redis_url: str) -> None:
    import redis

    tool, admin = ready(world), browser(world, "administrator")
    assert dial(admin, tool, **ON).status_code == 302
    redis.Redis.from_url(redis_url).delete(*redis.Redis.from_url(redis_url).keys(f"*{tool.pk}*") or ["none"])
    assert "On the loop, 30 s" in text(admin.get(reverse("tool", args=[tool.pk])))


def test_t37_many_hands_at_once_make_one_change(world: World) -> None:
    tool = ready(world)
    clients = [browser(world, "administrator") for _ in range(8)]
    found = race(*(lambda c=c: c.post(
        reverse("tool_dial", args=[tool.pk]), {"seen": "0", **ON}).status_code for c in clients))  # fmt: skip
    assert set(found) <= {302, 409}
    assert DialChange.objects.filter(tool=tool).count() == 1


def test_a_page_that_is_older_than_the_last_change_changes_nothing(world: World) -> None:
    tool, admin = ready(world), browser(world, "administrator")
    assert dial(admin, tool, **ON).status_code == 302
    answer = admin.post(reverse("tool_dial", args=[tool.pk]), {"seen": "0", **ON | {"veto_seconds": "60"}})
    assert answer.status_code == 409
    assert "in the meantime" in text(answer)


def test_owner_state_and_categories_are_set_where_the_list_links_to(world: World) -> None:
    tool, admin = world.tool("send_message"), browser(world, "administrator")
    form = {"what": "set", "owner": str(world.administrator.pk), "tier": "delete", "state": "recommend_only"}
    assert dial(admin, tool, **form, reason="A drill.").status_code == 302
    lift = {"what": "lift", "category": "outside_message", "reason": "Colleagues only."}
    assert dial(admin, tool, **lift).status_code == 302  # it waits: at this reach two people have to agree
    assert dial(browser(world, "second"), tool, what="accept", reason="Yes.",
                proposal=str(DialProposal.objects.get(tool=tool).pk)).status_code == 302  # fmt: skip
    now = Tool.objects.get(pk=tool.pk)
    assert (now.owner, now.tier, now.recommend_only) == (world.administrator, "delete", True)
    assert now.lifted == {"outside_message": {"reason": "Colleagues only.", "limit": None}}
    assert dial(admin, tool, what="unlift", category="outside_message", reason="No more.").status_code == 302
    assert Tool.objects.get(pk=tool.pk).lifted == {}


def test_earlier_settings_come_back_with_one_click(world: World) -> None:
    tool, admin = ready(world), browser(world, "administrator")
    dial(admin, tool, **ON)
    assert dial(admin, tool, what="return", number="1", reason="Too early.").status_code == 302
    assert maturity(tool) == "in_the_loop"
    assert "back to before change 1" in text(admin.get(reverse("tool", args=[tool.pk])))


def test_rights_are_given_and_taken_in_the_matrix_and_it_says_why(world: World) -> None:
    tool, admin = world.tool(), browser(world, "administrator")
    answer = give(admin, tool, "review", f"team:{team(world, 'auditors').pk}")
    assert answer.status_code == 302
    assert holds(world.auditor.pk, tool.pk, "review_tool")
    shown = text(admin.get(answer.url))
    assert "auditor member of team auditors, which holds the right" in shown
    assert "administrator gave review to team auditors" in shown
    assert give(admin, tool, "review", f"user:{world.developer.pk}", reason=" ").status_code == 422
    outside = Team.objects.get(organization=world.elsewhere, name="reviewers")
    assert give(admin, tool, "review", f"team:{outside.pk}").status_code == 404
    foreign = Tool.objects.filter(organization=world.elsewhere).first()
    assert foreign is not None
    assert give(admin, foreign, "review", f"team:{team(world, 'auditors').pk}").status_code == 404
    assert RightChange.objects.count() == 1
    assert give(browser(world, "auditor"), tool, "review", f"user:{world.developer.pk}").status_code == 403


def test_an_agent_is_changed_by_an_administrator_who_does_not_answer_for_it(world: World) -> None:
    admin, agent = browser(world, "administrator"), world.agent

    def change(**form: str) -> int:
        return int(admin.post(reverse("agents"), {"agent": str(agent.pk), "reason": WHY, **form}).status_code)

    tool = str(world.tool().pk)
    assert change(what="unlist", tool=tool) == 302
    assert not agent.tools.filter(pk=tool).exists()
    assert change(what="list", tool=tool) == 302
    assert change(what="tier", tier="read") == 302
    assert Agent.objects.get(pk=agent.pk).tier == "read"
    assert change(what="owner", owner=str(world.administrator.pk)) == 403
    assert change(what="owner", owner=str(world.outsider.pk)) == 404
    assert change(what="off") == 422
    assert change(what="owner", owner=str(world.developer.pk)) == 302
    Agent.objects.filter(pk=agent.pk).update(owner=world.administrator)
    assert change(what="tier", tier="admin") == 403
    assert change(what="unlist", tool=tool) == 302  # less is always possible
    assert AgentChange.objects.filter(agent=agent).count() == 5
    assert agent.name in text(admin.get(reverse("agents"), {"agent": str(agent.pk)}))
    elsewhere = Agent.objects.get(organization=world.elsewhere, builtin=True)
    assert admin.get(reverse("agents"), {"agent": str(elsewhere.pk)}).status_code == 404


def test_the_catalogue_is_found_by_name_reach_freedom_and_state(world: World) -> None:
    admin = browser(world, "administrator")
    Tool.objects.filter(name="put_odd").update(maturity=Maturity.AUDIT_ONLY.value, tier="read")

    def found(**asked: str) -> set[str]:
        answer = admin.get(reverse("tools"), asked)
        assert answer.status_code == 200
        return set(re.findall(r'<tr id="(\w+)"', answer.content.decode()))

    assert found(q="put_o") == {"put_odd"}
    assert found(maturity="audit_only", tier="read", state="on") == {"put_odd"}
    assert found(state="forbidden") == set()
    assert admin.get(reverse("tools"), {"tier": "approve"}).status_code == 400


@pytest.mark.parametrize("name", ["tools", "matrix"])
def test_a_page_of_many_tools_costs_no_more_queries_than_one_of_few(name: str, world: World) -> None:
    admin = browser(world, "administrator")

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get(reverse(name)).status_code == 200
        return len(seen)

    queries()
    few = queries()
    assert few > 5
    _many(world, 40)
    assert queries() <= few  # fewer where the tools that fill the page have less to say than those it had before


def _many(world: World, count: int) -> None:
    from dataclasses import replace

    one: Contract = contracts()[0]
    for number in range(count):
        offer(world.organization, replace(one, name=f"bulk{number}.{one.name}"))
