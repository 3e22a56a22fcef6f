"""The policy's pages: what stands there, what a form does, and that whoever was first is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from approvals.facts import current_policy
from approvals.models import PolicyVersion
from approvals.services import hits
from tests.support.policing import RULE, agreed, change, policy_of
from tests.support.world import World
from traces.models import Event


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
    answer = page().post("/policy/entries/second/remove/", {**form, "why": "Over."})
    assert (answer.status_code, answer.url) == (302, "/policy/#waits"), "it held calls of high-risk tools"
    agreed(world)
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


def test_t34_no_form_takes_what_an_agent_or_a_stranger_would_add(world: World, page: Any) -> None:
    for extra in ({"maturity": "audit_only"}, {"organization": str(world.elsewhere.pk)}, {"approved": "1"}):
        assert page().post("/policy/new/", {**RULE, **extra}).status_code == 400
    entry = {"kind": "exceptions", "follows": "1", "why": "x", "then": "save", "id": "free", "maturity": "audit_only"}
    assert page().post("/policy/new/", entry).status_code == 422
    assert current_policy(world.organization.id).number == 1


def test_everything_that_is_wrong_is_told_at_once(world: World, page: Any) -> None:
    """What is misspelled, what does not fit and the reason that is missing: nobody is sent back twice."""
    wrong = {"id": "Strangers", "quorum": "many", "tools": "send_mesage", "approvers": "finance 2", "why": " "}
    answer = page().post("/policy/new/", {**RULE, **wrong})
    shown = answer.content.decode()
    assert answer.status_code == 422
    for field in ("id", "quorum", "tools", "approvers", "why"):
        assert f'id="e-{field}"' in shown, field
    document = {name: str(v) for name, v in policy_of(world).to_json().items() if not isinstance(v, (list, dict))}
    bounds = {**document, "exposure": "Euro 5", "confidence": "2", "follows": "1", "why": "", "then": "save"}
    shown = page().post("/policy/bounds/", bounds).content.decode()
    for field in ("exposure", "confidence", "why"):
        assert f'id="e-{field}"' in shown, field
