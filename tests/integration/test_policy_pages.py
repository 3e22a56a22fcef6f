"""The policy's pages: what stands there, what a form does, and that whoever was first is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from approvals.facts import current_policy, document_of
from approvals.models import Action, PolicyVersion, Trial
from approvals.policy import Verdict
from approvals.services import hits
from approvals.services.policy import change_policy
from tests.support.walking import BACKEND, rows_of
from tests.support.world import MESSAGE, World
from traces.models import Event

RULE = {
    "kind": "rules", "follows": "1", "why": "Two people look at mail to strangers.", "then": "save",
    "tools": "send_message", "w0_argument": "to", "w0_compares": "!=", "w0_value": "ann@example.org",
    "answer": "review", "quorum": "2", "id": "strangers", "because": "A stranger.", "place": "1",
}  # fmt: skip


@pytest.fixture
def page(world: World) -> Any:
    """A browser of the administrator, or of the person that is asked for."""

    def of(name: str = "administrator") -> Client:
        client = Client()
        client.force_login(world.people[name], backend=BACKEND)
        return client

    return of


def policy_of(world: World) -> Any:
    return document_of(current_policy(world.organization.id))


def change(world: World, settings: Any, after: int = 1) -> PolicyVersion:
    return change_policy(world.organization.id, settings, reason="Because.", by=world.administrator, after=after)


def test_a_rule_is_added_by_a_form_and_holds_for_the_next_call(world: World, page: Any) -> None:
    answer = page().post("/policy/new/", RULE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/policy/")
    assert world.staged().quorum == 2
    event = Event.objects.get(verb="policy_changed")
    assert (event.actor_name, event.reason) == ("administrator", "Two people look at mail to strangers.")
    shown = page().get("/policy/").content.decode()
    assert "where to is not ann@example.org" in shown
    assert "need 2 people" in shown


def test_an_entry_is_changed_and_moved_where_the_form_says(world: World, page: Any) -> None:
    change(world, {"rules": [{"id": "first"}, {"id": "second", "about": {"tiers": ["write"]}}, {"id": "third"}]})
    form = {**RULE, "follows": "2", "id": "second", "place": "1", "w0_argument": "", "tools": ""}
    assert page().post("/policy/entries/second/", form).status_code == 302
    rules = policy_of(world).rules
    assert [rule.id for rule in rules] == ["second", "first", "third"]
    assert (rules[0].quorum, [str(tier) for tier in rules[0].about.tiers]) == (2, ["write"]), "tiers have no field"


def test_an_entry_is_taken_out_with_a_reason(world: World, page: Any) -> None:
    change(world, {"rules": [{"id": "first"}], "exceptions": [{"id": "second"}]})
    form = {"follows": "2", "why": "", "then": "save"}
    refused = page().post("/policy/entries/second/remove/", form)
    assert refused.status_code == 422
    assert "say why" in refused.content.decode()
    assert page().post("/policy/entries/second/remove/", {**form, "why": "Over."}).status_code == 302
    assert policy_of(world).exceptions == ()
    assert [rule.id for rule in policy_of(world).rules] == ["first"]
    assert page().post("/policy/entries/nowhere/remove/", {**form, "why": "Over."}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"id": "Strangers"}, "id", "must be lower-case"),
        ({"quorum": "many"}, "quorum", "must be a whole number"),
        ({"w0_compares": ">", "w0_value": "much"}, "w0_value", "must be a decimal number"),
        ({"w0_argument": "a b"}, "w0_argument", "must be the name of an argument"),
        ({"tools": "send_mesage"}, "tools", "there is nothing called send_mesage here"),
        ({"approvers": "finance 2"}, "approvers", "there is nothing called finance here"),
        ({"teams": "finance"}, "teams", "there is nothing called finance here"),
        ({"why": " "}, "why", "say why"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_lost(
    world: World, page: Any, changes: dict[str, str], field: str, said: str
) -> None:
    answer = page().post("/policy/new/", {**RULE, **changes})
    shown = answer.content.decode()
    assert answer.status_code == 422
    error = shown.split(f'id="e-{field}"', 1)[1][:600]
    assert said in error
    for key in ("because", "w0_value", "id", "tools"):
        assert f'value="{ {**RULE, **changes}[key] }"' in shown
    assert PolicyVersion.objects.filter(organization=world.organization).count() == 1


def test_a_name_that_comes_later_may_be_used_on_purpose(world: World, page: Any) -> None:
    assert page().post("/policy/new/", {**RULE, "tools": "later_tool", "anyway": "on"}).status_code == 302
    assert "there is nothing called later_tool here" in page().get("/policy/").content.decode()


def test_another_condition_is_another_row_and_saves_nothing(world: World, page: Any) -> None:
    answer = page().post("/policy/new/", {**RULE, "then": "more"})
    assert 'name="w1_argument"' in answer.content.decode()
    assert current_policy(world.organization.id).number == 1


@pytest.mark.parametrize(
    ("kind", "form", "entry"),
    [
        (
            "limits",
            {"id": "daily", "per": "agent", "counts": "calls", "most": "20", "window": "2", "span": "3600",
             "answer": "deny", "tools": "send_message, write_note"},
            {"id": "daily", "per": "agent", "seconds": 7_200, "answer": "deny", "most": "20"},
        ),
        (
            "exceptions",
            {"id": "night", "maturity": "on_the_loop", "veto_seconds": "90", "teams": "reviewers",
             "agents": "planner"},
            {"id": "night", "maturity": "on_the_loop", "veto_seconds": 90,
             "about": {"agents": ["planner"], "teams": ["reviewers"]}},
        ),
        (
            "rules",
            {"id": "grave", "category_money": "on", "answer": "deny", "quorum": "", "w0_argument": "country",
             "w0_compares": "not in", "w0_value": "DE, AT"},
            {"id": "grave", "answer": "deny", "about": {"categories": ["money"]},
             "when": [{"argument": "country", "compares": "not in", "value": ["DE", "AT"]}]},
        ),
    ],
)  # fmt: skip
def test_every_kind_of_entry_is_written_and_read_back(
    world: World, page: Any, kind: str, form: dict[str, str], entry: dict[str, Any]
) -> None:
    sent = {"kind": kind, "follows": "1", "why": "Tried.", "then": "save", "because": "", "place": "1", **form}
    assert page().post("/policy/new/", sent).status_code == 302
    stored = policy_of(world).to_json()[kind][0]
    assert {key: stored[key] for key in entry} == entry
    shown = page().get(f"/policy/entries/{entry['id']}/").content.decode()
    fields = {key: value for key, value in form.items() if not key.startswith("category") and value}
    again = page().post(f"/policy/entries/{entry['id']}/", {**sent, "follows": "2", "because": "Again."})
    assert again.status_code == 302
    assert policy_of(world).to_json()[kind][0] == {**stored, "reason": "Again."}
    assert all(value in shown for value in fields.values())


def test_bounds_and_what_a_day_may_move_are_one_form(world: World, page: Any) -> None:
    document = policy_of(world).to_json()
    form = {name: str(value) for name, value in document.items() if not isinstance(value, (list, dict))}
    form |= {"exposure": "EUR 5000\nUSD 10.50", "most_steps": "12", "follows": "1", "why": "Less.", "then": "save"}
    assert page().post("/policy/bounds/", {**form, "confidence": "2"}).status_code == 422
    wrong = page().post("/policy/bounds/", {**form, "exposure": "Euro 5"}).content.decode()
    assert "is not a currency" in wrong
    assert page().post("/policy/bounds/", form).status_code == 302
    found = policy_of(world)
    assert (found.most_steps, [currency for currency, _ in found.exposure]) == (12, ["EUR", "USD"])


def test_the_document_is_checked_and_pasted_through_the_same_door(world: World, page: Any) -> None:
    document = {**policy_of(world).to_json(), "rules": [{"id": "pasted", "quorum": 3}]}
    form = {"follows": "1", "why": "Pasted.", "then": "check", "document": json.dumps(document)}
    checked = page().post("/policy/json/", form).content.decode()
    assert "Rule pasted" in checked
    assert current_policy(world.organization.id).number == 1
    wrong = page().post("/policy/json/", {**form, "document": '{"rules": [{"id": "A"}], "trust": 1}'})
    assert wrong.status_code == 422
    assert "rules[0].id" in wrong.content.decode()
    assert page().post("/policy/json/", {**form, "document": "{"}).status_code == 422
    assert page().post("/policy/json/", {**form, "then": "save"}).status_code == 302
    assert policy_of(world).rules[0].quorum == 3


@pytest.mark.parametrize("where", ["/policy/new/", "/policy/json/", "/policy/entries/first/remove/", "/policy/bounds/"])
def test_whoever_is_second_is_told_what_the_first_one_changed(world: World, page: Any, where: str) -> None:
    change(world, {"rules": [{"id": "first"}]})
    change(world, {"rules": [{"id": "first"}], "limits": []} | {"confidence": 0.9}, after=2)
    sent = {"follows": "2", "why": "Mine.", "then": "save"}
    if where == "/policy/new/":
        sent = {**RULE, **sent}
    elif where == "/policy/json/":
        sent |= {"document": "{}"}
    elif where == "/policy/bounds/":
        document = policy_of(world).to_json()
        sent |= {name: str(value) for name, value in document.items() if not isinstance(value, (list, dict))}
        sent |= {"exposure": ""}
    answer = page().post(where, sent)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Confidence for what cannot be undone" in shown
    assert 'name="follows" value="3"' in shown, "sent again, it goes on top of theirs"
    assert current_policy(world.organization.id).number == 3


def test_every_version_is_told_and_an_older_one_returns_as_the_next(world: World, page: Any) -> None:
    change(world, {"rules": [{"id": "first", "quorum": 2}]})
    change(world, {"rules": [{"id": "first", "quorum": 3}]}, after=2)
    shown = page("auditor").get("/policy/history/").content.decode()
    assert "need 2 people" in shown
    assert "In force" in shown
    second = PolicyVersion.objects.get(organization=world.organization, number=2)
    page_of = page().get(f"/policy/history/{second.pk}/").content.decode()
    assert "Go back to version 2" in page_of
    form = {"follows": "3", "why": "Three were too many.", "then": "save"}
    assert page().post(f"/policy/history/{second.pk}/return/", form).status_code == 302
    now = current_policy(world.organization.id)
    assert (now.number, now.settings, now.made_by) == (4, second.settings, world.administrator)


def test_hits_are_counted_once_and_shown_beside_the_entry(
    world: World, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits, "SETTLES", -hits.SETTLES)
    limit = {"id": "many", "per": "tool", "counts": "calls", "most": 2, "seconds": 3_600}
    change(world, {"rules": [{"id": "mail", "about": {"tools": ["send_message"]}, "quorum": 2}], "limits": [limit]})
    for _ in range(3):
        world.staged()
    assert hits.count_hits() == 0, "the first pass only says where the counting begins"
    assert hits.count_hits() >= 3
    assert hits.count_hits() == 0
    shown = page("auditor").get("/policy/").content.decode()
    rule, limited = shown.split('id="mail"')[1], shown.split('id="many"')[1]
    assert '<strong class="num">3</strong>' in rule[:1500]
    assert '<strong class="num">1</strong>' in limited[:1500], "a limit is met when it is passed, not when it is read"


def test_a_call_is_tried_and_no_row_of_any_table_changes(world: World, page: Any) -> None:
    limit = {"id": "few", "per": "tool", "counts": "calls", "most": 1, "seconds": 3_600, "answer": "deny"}
    change(world, {"rules": [{"id": "two", "quorum": 2}], "limits": [limit]})
    world.staged()
    before = rows_of(world.organization.id)
    form = {
        "tool": str(world.tool().pk), "initiator": str(world.operator.pk), "agent": str(world.agent.pk),
        "trial": "", "confidence": "", "pasted": json.dumps(MESSAGE),
    }  # fmt: skip
    client = page()
    before = rows_of(world.organization.id)
    for _ in range(2):
        shown = client.post("/policy/try/", form).content.decode()
        assert "It would be denied" in shown
        assert "1 of 1 calls in the last hour" in shown, "limits are read, and not reserved"
    assert "Rule two holds" in shown
    assert "through team reviewers" in shown
    assert "an agent can never decide" in shown
    assert rows_of(world.organization.id) == before
    assert Action.objects.count() == 1


def test_a_call_is_tried_under_a_policy_that_is_not_in_force(world: World, page: Any) -> None:
    page().post("/policy/new/", {**RULE, "then": "try", "quorum": "3", "answer": "review"})
    tried = Trial.objects.get()
    form = {"tool": str(world.tool().pk), "initiator": str(world.operator.pk), "agent": str(world.agent.pk)}
    fields = {f"argument:{name}": value for name, value in MESSAGE.items()}
    said = {True: "It would wait for 3 people", False: "It would wait for one person"}
    for draft, words in said.items():
        shown = page().post("/policy/try/", {**form, **fields, "trial": str(tried.pk) if draft else ""})
        assert words in shown.content.decode()
    pasted = page().post("/policy/try/", {**form, "pasted": "[1]"})
    assert pasted.status_code == 422


def test_t27_a_team_that_is_not_there_is_seen_before_it_holds_anything_up(world: World, page: Any) -> None:
    form = {**RULE, "approvers": "finance 2", "anyway": "on", "then": "try"}
    page().post("/policy/new/", form)
    call = {
        "tool": str(world.tool().pk), "initiator": str(world.operator.pk), "agent": str(world.agent.pk),
        "trial": str(Trial.objects.get().pk), "pasted": json.dumps(MESSAGE),
    }  # fmt: skip
    assert "there is no such team" in page().post("/policy/try/", call).content.decode()
    assert page().post("/policy/new/", {**form, "then": "save"}).status_code == 302
    action = world.staged()
    assert action.verdict == Verdict.REVIEW
    shown = page().get("/policy/coverage/").content.decode()
    assert "Waiting, and nobody can decide" in shown
    assert "1 waiting" in shown


def test_t34_no_form_takes_what_an_agent_or_a_stranger_would_add(world: World, page: Any) -> None:
    for extra in ({"maturity": "audit_only"}, {"organization": str(world.elsewhere.pk)}, {"approved": "1"}):
        assert page().post("/policy/new/", {**RULE, **extra}).status_code == 400
    entry = {"kind": "exceptions", "follows": "1", "why": "x", "then": "save", "id": "free", "maturity": "audit_only"}
    assert page().post("/policy/new/", entry).status_code == 422
    assert current_policy(world.organization.id).number == 1


def test_coverage_asks_as_often_for_many_tools_as_for_few(
    world: World, page: Any, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from approvals.reading.coverage import coverage
    from tools.models import Tool

    with CaptureQueriesContext(connection) as few:
        coverage(world.organization.id, policy_of(world))
    one = world.tool()
    for number in range(30):
        Tool.objects.create(organization=world.organization, name=f"extra_{number}", version=one.version, tier=one.tier)
    with django_assert_num_queries(len(few)):
        found = coverage(world.organization.id, policy_of(world))
    assert found[0].gaps > found[-1].gaps


def test_a_policy_is_put_in_force_from_its_replay(world: World, page: Any) -> None:
    from approvals.tasks import replay_policies

    world.staged()
    page().post("/policy/new/", {**RULE, "then": "try"})
    tried = Trial.objects.get()
    assert page().post(f"/policy/replay/{tried.pk}/start/", {"days": "7"}).status_code == 302
    assert "Judging what was recorded" in page().get(f"/policy/replay/{tried.pk}/").content.decode()
    assert page().get(f"/policy/replay/{tried.pk}/live/").status_code == 200
    while replay_policies():
        pass
    last = page().get(f"/policy/replay/{tried.pk}/live/")
    assert last.status_code == 286
    assert "waited for people, would need more people" in last.content.decode()
    assert "still waiting" in last.content.decode()
    assert page().post(f"/policy/replay/{tried.pk}/accept/", {"why": ""}).status_code == 422
    assert page().post(f"/policy/replay/{tried.pk}/accept/", {"why": "Proven."}).status_code == 302
    assert policy_of(world).rules[0].id == "strangers"
    moved = page().post(f"/policy/replay/{tried.pk}/accept/", {"why": "Again."})
    assert moved.status_code == 409
