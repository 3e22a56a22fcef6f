"""What a card says about a call, each statement at the page that a reviewer opens."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import Action, Remark
from approvals.policy import Origin, Source
from approvals.services.edit import edit
from approvals.services.reject import reject
from approvals.tasks import execute_permitted
from tests.support.permits import signed
from tests.support.sql import without_guards
from tests.support.voting import just_now, signed_in
from tests.support.world import MESSAGE, World, approved


def page(client: Client, action: Action, query: str = "") -> str:
    """The card's page."""
    return client.get(f"/actions/{action.pk}/{query}").content.decode()


def words(html: str) -> str:
    """A page's text without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def done(world: World, tool: str = "send_message", arguments: dict[str, Any] | None = None, times: int = 1) -> None:
    """Calls of a tool that were done."""
    for _ in range(times):
        signed(world, tool=tool, arguments=MESSAGE if arguments is None else arguments)
        execute_permitted()


def row(html: str, label: str) -> str:
    """The row of one argument."""
    rows = re.findall(r"<tr(?: data-flag)?><th scope=\"row\">.*?</tr>", html, re.DOTALL)
    return next(one for one in rows if f"<bdi>{label}</bdi></th>" in one)


def test_each_argument_says_where_it_comes_from(world: World) -> None:
    told = (
        Origin("to", Source.GOAL),
        Origin("body", Source.OUTSIDE, "step 2, read_mail"),
    )
    html = page(signed_in(world, "reviewer"), world.staged(provenance=told))
    assert "Written in the goal" in row(html, "To")
    assert "data-flag" not in row(html, "To")
    outside = row(html, "Message")
    assert outside.startswith("<tr data-flag>")
    assert 'data-from="outside"' in outside
    assert "step 2, read_mail" in outside


def test_where_nobody_said_where_an_argument_comes_from_the_card_says_that(world: World) -> None:
    html = page(signed_in(world, "reviewer"), world.staged())
    assert "Not told where this comes from" in row(html, "To")
    assert "data-flag" not in row(html, "To")


def test_a_target_that_the_goal_does_not_name_is_a_finding(world: World) -> None:
    told = (Origin("to", Source.OUTSIDE, "step 1, read_mail"), Origin("body", Source.GOAL))
    html = words(page(signed_in(world, "reviewer"), world.staged(provenance=told)))
    assert "Goal : look twice To: The goal does not name this." in html


def test_t45_a_look_alike_recipient_is_flagged_with_its_encoded_form_and_as_seen_for_the_first_time(
    world: World,
) -> None:
    done(world)
    client = signed_in(world, "reviewer")
    html = row(page(client, world.staged(arguments={**MESSAGE, "to": "billing@pаypal.com"})), "To")
    assert html.startswith("<tr data-flag>")
    assert "billing@xn--pypal-4ve.com" in html
    assert "mixes letters that look alike" in html
    assert "Not the one before" in html
    whole = row(page(client, world.staged(arguments={**MESSAGE, "to": "аррӏе.com"})), "To")
    assert "letters of another alphabet that look like ours" in whole
    again = row(page(client, world.staged()), "To")
    assert "Not the one before" not in again


def test_t44_invisible_and_reordering_characters_are_named_by_their_code_points(world: World) -> None:
    odd = "".join(map(chr, (0x202E, 0x2066, 0x200B, 0x200D, 0xFEFF, 0xE0041)))
    html = row(page(signed_in(world, "reviewer"), world.staged(arguments={**MESSAGE, "body": f"a{odd}b"})), "Message")
    for code in ("U+202E", "U+2066", "U+200B", "U+200D", "U+FEFF", "U+E0041"):
        assert f'<span class="codepoint">{code}</span>' in html
    assert not set(odd) & set(html)
    assert "6 unusual characters are shown as code points." in html


def test_t46_the_headline_is_ours_whatever_the_agent_says(world: World) -> None:
    action = world.staged(reasoning="This only reads the weather.")
    html = page(signed_in(world, "reviewer"), action)
    headline = words(re.findall(r'<h1 class="card-sentence".*?</h1>', html, re.DOTALL)[0])
    assert headline.strip() == "Send a message to customer of order 1009"


@pytest.mark.parametrize("language", ["de-DE,de", "en-US,en", "ar"])
def test_t48_numbers_are_shown_byte_for_byte_in_every_language(world: World, language: str) -> None:
    action = world.staged("pay_odd", {"amount": "1000.00", "to": "x"})
    html = signed_in(world, "reviewer").get(f"/actions/{action.pk}/", headers={"Accept-Language": language})
    assert '<span class="arg-value"><bdi>1000.00</bdi></span>' in html.content.decode()
    assert "1000.00 EUR" in words(html.content.decode())


def test_an_amount_far_from_the_usual_is_told_with_what_is_usual(world: World) -> None:
    for amount in ("20.00", "30.00", "40.00", "50.00", "90.00"):
        done(world, "pay_odd", {"amount": amount, "to": "x"})
    client = signed_in(world, "reviewer")
    far = page(client, world.staged("pay_odd", {"amount": "480.00", "to": "x"}))
    assert "The last 5 had 20.00 to 90.00 EUR" in words(far)
    assert "Usual range : look twice Amount: 5.3 times the largest of the last 5 that were done." in words(far)
    near = words(page(client, world.staged("pay_odd", {"amount": "60.00", "to": "x"})))
    assert "The last 5 had 20.00 to 90.00 EUR" in near
    assert "Usual range" not in near


def test_past_decisions_about_the_same_recipient_stand_with_how_they_turned_out(world: World) -> None:
    done(world)
    done(world, arguments={**MESSAGE, "to": "somebody else"})
    no = world.staged()
    reject(
        actor=world.reviewer2,
        organization=world.organization.pk,
        action_id=no.pk,
        digest=no.digest,
        reason="Wrong address.",
    )
    html = page(signed_in(world, "reviewer"), world.staged())
    past = words(re.findall(r'<section class="section" aria-labelledby="h-like">.*?</section>', html, re.DOTALL)[0])
    assert "The same target, among the last 3 of this tool" in past
    assert "Rejected by reviewer2 Wrong address." in past
    assert "Approved by reviewer" in past
    assert "somebody else" not in past


def test_whoever_an_action_acts_for_is_shown_nothing_of_the_tools_other_actions(world: World) -> None:
    done(world)
    html = page(signed_in(world, "operator"), world.staged())
    assert "Decided before" not in html
    assert "Decided before" in page(signed_in(world, "auditor"), world.staged())


def test_who_may_decide_is_named_with_the_team_that_gives_the_right(world: World) -> None:
    html = words(page(signed_in(world, "reviewer"), world.staged()))
    assert re.search(r"Through team reviewers : you , reviewer2", html) or "Through team" in html
    assert "except operator, for whom it acts" in html


def test_what_the_agent_left_aside_stands_in_its_fence_and_can_be_chosen(world: World) -> None:
    aside = ({"tool": "write_note", "why_not": "Nobody reads notes."}, {"tool": "no_such_tool", "why_not": "Gone."})
    action = world.staged(considered=aside)
    html = page(signed_in(world, "reviewer"), action)
    fence = html.split('id="claim-body"')[1].split("</details>")[0]
    assert f"/actions/{action.pk}/edit/?tool=write_note" in fence
    assert "Nobody reads notes." in fence
    assert "?tool=no_such_tool" not in html
    assert "Not in the catalogue" in fence
    assert "?tool=" not in page(signed_in(world, "auditor"), action)


def test_t53_on_high_risk_nothing_that_the_agent_says_is_in_the_page(world: World) -> None:
    aside = ({"tool": "send_message", "why_not": "Everybody agreed that it is wrong."},)
    action = world.staged("write_note", {"text": "Call back"}, reasoning="They all agreed.", considered=aside)
    client = signed_in(world, "reviewer")
    assert action.risk == "high"
    assert "agreed" not in page(client, action)
    fetched = client.get(f"/actions/{action.pk}/?words=1", headers={"HX-Request": "true"}).content.decode()
    assert "They all agreed." in fetched
    assert "Everybody agreed that it is wrong." in fetched


def test_the_discussion_and_the_steps_of_the_run_stand_beside_the_card(world: World) -> None:
    first = world.staged()
    second = world.staged("write_note", {"text": "Call back"}, run=first.run, step=2)
    Remark(
        organization=world.organization, action=second, author=world.reviewer2, kind="comment", text="Yes, do."
    ).save()
    html = page(signed_in(world, "reviewer"), second)
    plan = html.split('data-tab="plan"')[1].split("</section>")[0]
    assert f"/actions/{first.pk}/" in plan
    assert 'aria-current="step"' in plan
    assert "Yes, do." in html.split('data-tab="talk"')[1]


def test_the_trace_is_for_auditors_and_never_for_whom_it_acts_for(world: World) -> None:
    action = world.staged()
    assert signed_in(world, "auditor").get(f"/actions/{action.pk}/trace/").status_code == 200
    refused = {"reviewer": 403, "operator": 403, "administrator": 403, "developer": 403, "outsider": 404}
    for name, status in refused.items():
        assert signed_in(world, name).get(f"/actions/{action.pk}/trace/").status_code == status
    own = world.staged(principals=(world.operator.id, world.auditor.id))
    assert signed_in(world, "auditor").get(f"/actions/{own.pk}/trace/").status_code == 404
    assert 'id="ev-trace"' in page(signed_in(world, "auditor"), action)
    assert 'id="ev-trace"' not in page(signed_in(world, "reviewer"), action)


def test_a_card_asks_the_database_the_same_however_much_there_is(world: World) -> None:
    client = signed_in(world, "reviewer")

    def asked(action: Action) -> int:
        page(client, action)
        with CaptureQueriesContext(connection) as seen:
            client.get(f"/actions/{action.pk}/", headers={"HX-Request": "true"})
        return len(seen.captured_queries)

    before = asked(world.staged())
    done(world, times=4)
    crowded = world.staged(arguments={**MESSAGE, "subject": "x"})
    for text in "abcdef":
        Remark(organization=world.organization, action=crowded, author=world.auditor, kind="comment", text=text).save()
    assert asked(crowded) == before


def test_t02_a_decision_on_an_older_version_shows_both_versions_side_by_side(world: World) -> None:
    action = world.staged()
    read = action.digest
    edit(
        actor=world.reviewer2,
        organization=world.organization.pk,
        action_id=action.pk,
        digest=read,
        arguments={**MESSAGE, "body": "It comes on Monday."},
        signed_in_at=just_now(),
    )
    answer = signed_in(world, "reviewer").post(f"/actions/{action.pk}/decide/", {"decision": "approve", "digest": read})
    assert answer.status_code == 409
    both = words(answer.content.decode()).split("What changed since you read it")[1]
    assert "Your order 1009 is delayed until Friday. It comes on Monday." in both
    live = signed_in(world, "reviewer").get(f"/actions/{action.pk}/live/?seen=in_review.1.0.-.2").content.decode()
    assert "Your order 1009 is delayed until Friday." in live
    assert "It comes on Monday." in live
    assert 'value="approve"' not in live
    assert approved(world, Action.objects.get(pk=action.pk))


def test_what_came_of_it_is_said_at_the_end_where_the_page_was_made_before(world: World) -> None:
    action = signed(world)
    execute_permitted()
    client = signed_in(world, "reviewer")
    live = client.get(f"/actions/{action.pk}/live/?seen=permitted.1.1.-.4").content.decode()
    assert '<div id="card-outcome-live" hx-swap-oob="true"><section' in live
    assert 'id="card-outcome"' not in live
    again = client.get(f"/actions/{action.pk}/live/?seen=executing.1.1.claimed.4").content.decode()
    assert '<div id="card-outcome" hx-swap-oob="true"><section' in again


def test_every_vote_that_is_needed_has_its_place_before_it_is_given(world: World) -> None:
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET quorum = 3")
    client = signed_in(world, "reviewer")
    places = re.compile(r'<ul class="checks votes".*?</ul>', re.DOTALL)
    before = places.findall(page(client, action))[0]
    approved(world, Action.objects.get(pk=action.pk), by="reviewer2")
    after = places.findall(page(client, action))[0]
    assert before.count('<li class="check"') == after.count('<li class="check"') == 3
    assert "reviewer2 approved" in after
