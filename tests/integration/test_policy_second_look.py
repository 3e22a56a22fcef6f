"""A policy that lets go of what guards high-risk tools is in force once a second administrator has agreed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from psycopg.types.json import Jsonb

from accounts.models import User
from approvals.exceptions import (
    NotAdministrator,
    PolicyInvalid,
    PolicyMoved,
    PolicyProposalNotFound,
    PolicyWaits,
    SecondAdministratorNeeded,
)
from approvals.facts import current_policy
from approvals.models import PolicyProposal
from approvals.policy import read_policy
from approvals.services.second_look import accept, looser, withdraw
from tests.support.dialling import second_administrator
from tests.support.policing import RULE, agreed, asked, change, policy_of, waits
from tests.support.racing import race
from tests.support.sql import REFUSED, refusal, speaking_as
from tests.support.voting import browser
from tests.support.world import World
from traces.ids import uuid7
from traces.models import Event

PAY = {"tools": ["pay_odd"]}
"""About a tool that moves money."""
MILD = {"tools": ["put_odd"]}
"""About a tool that writes what can be undone, of no category."""
BIG = {"argument": "amount", "compares": ">", "value": "200"}
TWO: dict[str, Any] = {"id": "two", "about": PAY, "when": [BIG], "quorum": 2, "teams": {"reviewers": 1}}
DAILY: dict[str, Any] = {"id": "daily", "about": PAY, "per": "tool", "counts": "calls", "most": "20", "seconds": 86_400}
SLOW: dict[str, Any] = {"id": "slow", "about": PAY, "maturity": "on_the_loop", "veto_seconds": 60}


def rules(**changes: Any) -> dict[str, Any]:
    return {"rules": [{**TWO, **changes}]}


def limits(**changes: Any) -> dict[str, Any]:
    return {"limits": [{**DAILY, **changes}]}


def exceptions(**changes: Any) -> dict[str, Any]:
    return {"exceptions": [{**SLOW, **changes}]}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (rules(), {}, ["rules.two"]),
        (rules(), rules(quorum=1), ["rules.two"]),
        (rules(), rules(teams={}), ["rules.two"]),
        (rules(), rules(when=[{**BIG, "value": "201"}]), ["rules.two"]),
        (rules(), rules(when=[BIG, {"argument": "to", "compares": "present"}]), ["rules.two"]),
        (rules(), rules(about={"tools": ["lend_odd"]}), ["rules.two"]),
        (rules(), rules(about={**PAY, "agents": ["planner"]}), ["rules.two"]),
        (rules(answer="deny", quorum=1, teams={}), rules(), ["rules.two"]),
        (rules(about={}), rules(), ["rules.two"]),
        (limits(), {}, ["limits.daily"]),
        (limits(), limits(most="21"), ["limits.daily"]),
        (limits(), limits(seconds=3_600), ["limits.daily"]),
        (limits(), limits(per="initiator"), ["limits.daily"]),
        (limits(), limits(id="other"), ["limits.daily"]),
        (limits(answer="deny"), limits(), ["limits.daily"]),
        (exceptions(), {}, ["exceptions.slow"]),
        (exceptions(), exceptions(veto_seconds=59), ["exceptions.slow"]),
        (exceptions(maturity="in_the_loop", veto_seconds=0), exceptions(), ["exceptions.slow"]),
        ({"exposure": {"EUR": "500"}}, {}, ["exposure.EUR"]),
        ({"exposure": {"EUR": "500"}}, {"exposure": {"EUR": "501"}}, ["exposure.EUR"]),
        ({}, {"confidence": 0.7}, ["confidence"]),
        ({"high_risk_quorum": 2}, {}, ["high_risk_quorum"]),
        ({}, {"most_affected": 101}, ["most_affected"]),
        ({}, {"most_steps": 31, "most_repeats": 3}, ["most_steps", "most_repeats"]),
        ({}, {"most_tokens": 1_000_001, "most_cost": "20.01"}, ["most_tokens", "most_cost"]),
        ({}, {"fresh_seconds": 301}, ["fresh_seconds"]),
    ],
)
def test_what_guards_a_high_risk_tool_and_is_let_go_of_is_named(
    world: World, before: dict[str, Any], after: dict[str, Any], said: list[str]
) -> None:
    assert found(world, before, after) == said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, rules()),
        (rules(), rules(quorum=3, teams={"reviewers": 2})),
        (rules(), rules(answer="deny", quorum=1, teams={})),
        (rules(), rules(id="other", reason="Said otherwise.")),
        (rules(), rules(when=[{**BIG, "value": "100.5"}])),
        (rules(), rules(when=[])),
        (rules(), rules(about={"tools": ["pay_odd", "lend_odd"]})),
        (rules(), rules(about={})),
        ({"rules": [TWO, {"id": "b"}]}, {"rules": [{"id": "b"}, TWO]}),
        (rules(about=MILD), {}),
        (limits(), limits(most="19", answer="deny")),
        (limits(about=MILD), {}),
        (exceptions(), exceptions(maturity="in_the_loop", veto_seconds=0)),
        (exceptions(), exceptions(veto_seconds=61)),
        ({"exposure": {"EUR": "500"}}, {"exposure": {"EUR": "499", "USD": "1"}}),
        ({}, {"confidence": 0.9, "most_steps": 5, "high_risk_quorum": 2, "most_cost": "1"}),
    ],
)
def test_what_is_only_stricter_or_about_harmless_tools_needs_nobody_else(
    world: World, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert found(world, before, after) == []


def found(world: World, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """As documents are stored: with everything spelled out."""
    return looser(world.organization.id, read_policy(before).to_json(), read_policy(after).to_json())


def test_a_document_that_nobody_can_compare_counts_as_looser_in_everything(world: World) -> None:
    assert looser(world.organization.id, {"confidence": "very"}, {}) == ["everything"]
    assert looser(world.organization.id, {"rules": "none"}, {}) == ["everything"]


def test_a_looser_policy_waits_and_the_one_in_force_holds_until_another_agrees(world: World) -> None:
    change(world, rules())
    made = asked(world, {}, after=2)
    assert isinstance(made, PolicyProposal)
    assert made.looser == ["rules.two"]
    assert current_policy(world.organization.id).number == 2
    assert policy_of(world).rules[0].quorum == 2
    told = Event.objects.get(verb="policy_proposed")
    assert (told.subject, told.actor_name, told.reason) == (made.pk, "administrator", "Because.")
    version = agreed(world)
    assert (version.number, version.made_by, policy_of(world).rules) == (3, world.administrator, ())
    told = Event.objects.get(verb="policy_changed", subject=version.pk)
    assert (told.actor_name, told.source, told.target) == ("second", "2", "3")
    made.refresh_from_db()
    assert (made.status, made.closed_by_id, made.version_id) == ("accepted", second(world).pk, version.pk)


def test_nobody_agrees_to_their_own_change_and_only_administrators_agree(world: World) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    for name, error in (
        ("administrator", SecondAdministratorNeeded),
        ("reviewer", NotAdministrator),
        ("outsider", NotAdministrator),
    ):
        with pytest.raises(error):
            accept(waits(world).pk, organization=world.organization.id, by=world.people[name])
    with pytest.raises(PolicyProposalNotFound):
        accept(waits(world).pk, organization=world.elsewhere.id, by=world.outsider)
    assert current_policy(world.organization.id).number == 2
    assert Event.objects.filter(verb="refused", subject=waits(world).pk).count() == 3


def test_t74_the_database_lets_nobody_put_a_looser_policy_in_force_alone(world: World) -> None:
    change(world, rules())
    second(world)
    here, by, document = world.organization.id, world.administrator.pk, read_policy({}).to_json()
    put = "SELECT approvals_put_policy(%s, %s, 2, %s, 'alone', %s)"
    with speaking_as("web", here) as web:
        refused = refusal(web, put, [uuid7(), here, Jsonb(document), by])
        assert refused == (
            REFUSED, "approvals_put_policy: it is looser for high-risk tools; a second administrator has to agree",
        )  # fmt: skip
    asked(world, {}, after=2)
    row = waits(world)
    closing = (
        "UPDATE approvals_policyproposal SET status = %s, closed_by_id = %s, closed_at = now(), version_id = %s"
        " WHERE id = %s"
    )
    with speaking_as("web", here) as web:
        pk = uuid7()
        assert refusal(web, closing, ["accepted", world.reviewer.pk, pk, row.pk])[1].endswith("nothing here")
        assert "accepted_by_another" in refusal(web, closing, ["accepted", by, pk, row.pk])[1]
        assert refusal(web, closing, ["withdrawn", by, None, row.pk])[1].endswith("no event tells of it")
        accepted = closing, ["accepted", second(world).pk, pk, row.pk]
        web.execute(*accepted)  # type: ignore[arg-type]
        other = {**document, "confidence": 0.0}
        for changes in ([pk, here, Jsonb(other), by], [uuid7(), here, Jsonb(document), by]):
            web.execute("SAVEPOINT s")
            with pytest.raises(Exception, match="second administrator"):
                web.execute(put, changes)
            web.execute("ROLLBACK TO s")
        web.rollback()


def second(world: World) -> User:
    """The second administrator."""
    return User.objects.filter(username="second").first() or second_administrator(world)


def test_what_was_proposed_never_changes_and_is_answered_once(world: World) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    row = waits(world)
    with pytest.raises(Exception, match="only status"), transaction.atomic():
        PolicyProposal.objects.filter(pk=row.pk).update(settings={"confidence": 0}, closed_by=second(world))
    withdraw(row.pk, organization=world.organization.id, by=world.administrator, reason="Not now.")
    with pytest.raises(Exception, match="it is closed"), transaction.atomic():
        PolicyProposal.objects.filter(pk=row.pk).update(closed_reason="Otherwise.")
    with pytest.raises(PolicyProposalNotFound):
        accept(row.pk, organization=world.organization.id, by=second(world))


def test_one_change_waits_at_a_time_and_stricter_ones_pass_it_by(world: World) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    with pytest.raises(PolicyWaits):
        asked(world, {"confidence": 0.1}, after=2, by=second(world))
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyProposal.objects.create(
            organization=world.organization, follows=2, settings={}, looser=[], by=second(world), reason="x"
        )
    assert change(world, rules(quorum=3), after=2).number == 3
    with pytest.raises(PolicyMoved):
        accept(waits(world).pk, organization=world.organization.id, by=second(world))
    assert waits(world).status == "open"


def test_it_is_withdrawn_or_refused_with_a_reason(world: World) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    with pytest.raises(PolicyInvalid):
        withdraw(waits(world).pk, organization=world.organization.id, by=second(world), reason=" ")
    withdraw(waits(world).pk, organization=world.organization.id, by=second(world), reason="Too much money.")
    told = Event.objects.get(verb="policy_withdrawn")
    assert (told.actor_name, told.reason) == ("second", "Too much money.")
    assert asked(world, {}, after=2), "it may be asked for again"


def test_whoever_asked_and_administers_no_more_has_nothing_agreed_to(world: World) -> None:
    change(world, rules())
    asked(world, {}, after=2, by=second(world))
    User.objects.filter(username="second").update(is_active=False)
    with pytest.raises(PolicyMoved, match="administers nothing here any more"):
        accept(waits(world).pk, organization=world.organization.id, by=world.administrator)


def test_t25_of_two_answers_at_once_one_counts(world: World) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    pk, by = waits(world).pk, second(world)

    def agree() -> str:
        try:
            return str(accept(pk, organization=world.organization.id, by=by).number)
        except (PolicyMoved, PolicyProposalNotFound):
            return "late"

    assert sorted(race(agree, agree, agree)) == ["3", "late", "late"]


def test_the_page_says_what_differs_who_asked_and_why_and_takes_the_answer(world: World, page: Any) -> None:
    change(world, rules())
    form = {"follows": "2", "why": "Refunds are small.", "then": "save"}
    answer = page().post("/policy/entries/two/remove/", form)
    assert (answer.status_code, answer.url) == (302, "/policy/#waits")
    mine = page().get("/policy/").content.decode()
    assert "You are the only administrator here, so nobody can agree yet." in mine
    assert "Agree, and put it in force" not in mine
    world.people["second"] = second(world)
    assert "another administrator has to agree" in page().get("/policy/").content.decode()
    shown = page("second").get("/policy/").content.decode()
    for words in ("Rule two", "Refunds are small.", "Asked for by administrator", "Agree, and put it in force"):
        assert words in shown
    assert "Agree, and put it in force" not in page("auditor").get("/policy/").content.decode()
    there = f"/policy/waiting/{waits(world).pk}/"
    assert browser(world, "administrator").post(there, {"what": "accept", "reason": "Me."}).status_code == 403
    assert browser(world, "second").post(there, {"what": "accept", "reason": "I looked."}).url == "/policy/"
    assert current_policy(world.organization.id).number == 3
    version = page("auditor").get(f"/policy/history/{current_policy(world.organization.id).pk}/").content.decode()
    assert "second agreed to it as a second administrator" in version
    assert "I looked." in version
    assert "waits for a second administrator" not in page().get("/policy/").content.decode()


@pytest.mark.parametrize("ago", [301, None])
def test_t39_an_old_session_agrees_to_no_looser_policy_and_comes_back_to_it(world: World, ago: float | None) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    there = f"/policy/waiting/{waits(world).pk}/"
    world.people["second"] = second(world)
    old = browser(world, "second", ago=ago)
    assert "Whoever agrees is asked for their password first" in old.get("/policy/").content.decode()
    answer = old.post(there, {"what": "accept", "reason": "I looked."})
    assert answer.status_code == 401
    assert 'name="next" value="/policy/#waits"' in answer.content.decode()
    assert current_policy(world.organization.id).number == 2
    assert "asked for their password" not in browser(world, "second").get("/policy/").content.decode()
    assert old.post(there, {"what": "withdraw", "reason": "No."}).status_code == 302  # a no needs no password


def test_a_form_that_comes_while_another_waits_is_told_so_and_keeps_what_it_says(world: World, page: Any) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    document = {name: str(v) for name, v in policy_of(world).to_json().items() if not isinstance(v, (list, dict))}
    form = {**document, "confidence": "0.5", "exposure": "", "follows": "2", "why": "Mine.", "then": "save"}
    answer = page().post("/policy/bounds/", form)
    assert answer.status_code == 409
    assert "waits for a second administrator already" in answer.content.decode()
    assert page().post("/policy/new/", {**RULE, "follows": "2"}).status_code == 302, "a stricter one goes through"
    stale = page().get("/policy/").content.decode()
    assert "nobody can agree to it any more" in stale


@pytest.mark.parametrize("extra", [{"by": "x"}, {"version": "1"}, {"status": "accepted"}])
def test_t73_the_answer_takes_no_other_field(world: World, page: Any, extra: dict[str, str]) -> None:
    change(world, rules())
    asked(world, {}, after=2)
    sent = {"what": "withdraw", "reason": "x", **extra}
    assert page().post(f"/policy/waiting/{waits(world).pk}/", sent).status_code == 400
    assert waits(world)


def test_the_command_line_is_one_person_too(world: World, tmp_path: Any, capsys: Any) -> None:
    change(world, rules())
    place = tmp_path / "policy.json"
    place.write_text("{}")
    call_command(
        "policy", "set", "--organization", "demo", "--file", str(place), "--reason", "x", "--as", "administrator"
    )
    assert "waits for a second administrator; looser on risk: rules.two" in capsys.readouterr().out
    assert current_policy(world.organization.id).number == 2
