"""The pages' own rules, each at the address where somebody would try to get round it."""

import re
import uuid

import pytest
from django.test import Client

from approvals.models import Decision
from tests.support.voting import decide, signed_in
from tests.support.world import World, approved


def test_a_reviewer_approves_what_was_shown(world: World) -> None:
    action = world.staged()
    answer = decide(signed_in(world, "reviewer"), action)
    assert answer.status_code == 302
    action.refresh_from_db()
    assert action.status == "permitted"


def test_looking_never_decides(world: World) -> None:
    action = world.staged()
    client = signed_in(world, "reviewer")
    assert client.get(f"/actions/{action.pk}/decide/").status_code == 405
    assert client.head(f"/actions/{action.pk}/decide/").status_code == 405
    assert not Decision.objects.exists()


def test_a_form_without_its_token_is_refused(world: World) -> None:
    action = world.staged()
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.reviewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = decide(client, action)
    assert answer.status_code == 403
    assert "Nothing was done" in answer.content.decode()
    assert not Decision.objects.exists()


@pytest.mark.parametrize("extra", ["status", "organization", "decider", "principals", "arguments"])
def test_a_field_that_the_form_does_not_have_is_refused(world: World, extra: str) -> None:
    action = world.staged()
    assert decide(signed_in(world, "reviewer"), action, **{extra: "x"}).status_code == 400
    assert not Decision.objects.exists()


def test_a_field_said_twice_is_refused(world: World) -> None:
    action = world.staged()
    client = signed_in(world, "reviewer")
    form = {"decision": ["approve", "reject"], "digest": action.digest, "reason": "x"}
    assert client.post(f"/actions/{action.pk}/decide/", form).status_code == 400


def test_t17_one_form_decides_on_one_action_and_no_other(world: World) -> None:
    shown, smuggled = world.staged(), world.staged()
    client = signed_in(world, "reviewer")
    for more in (
        {"id": str(smuggled.pk)},
        {"action": str(smuggled.pk)},
        {"actions": [str(shown.pk), str(smuggled.pk)]},
        {"digest": [shown.digest, smuggled.digest]},
        {"decision": ["approve", "approve"]},
    ):
        form = {"decision": "approve", "digest": shown.digest, **more}
        assert client.post(f"/actions/{shown.pk}/decide/", form).status_code == 400
    assert decide(client, smuggled, digest=shown.digest).status_code == 409
    assert not Decision.objects.exists()
    assert decide(client, shown).status_code == 302
    smuggled.refresh_from_db()
    assert smuggled.status == "in_review"


def test_a_digest_that_was_not_shown_conflicts(world: World) -> None:
    action = world.staged()
    answer = decide(signed_in(world, "reviewer"), action, digest="sha256:" + "0" * 64)
    assert answer.status_code == 409
    assert action.summary in answer.content.decode()
    assert not Decision.objects.exists()


def test_the_second_word_conflicts_and_sees_the_first(world: World) -> None:
    action = world.staged()
    approved(world, action, by="reviewer2")
    answer = decide(signed_in(world, "reviewer"), action)
    assert answer.status_code == 409
    assert "reviewer2 approved" in answer.content.decode()


def test_a_rejection_without_a_reason_decides_nothing(world: World) -> None:
    action = world.staged()
    assert decide(signed_in(world, "reviewer"), action, decision="reject", reason="  ").status_code == 422
    assert not Decision.objects.exists()


def test_whoever_asked_cannot_decide_and_is_told_so(world: World) -> None:
    action = world.staged()
    client = signed_in(world, "operator")
    page = client.get(f"/actions/{action.pk}/").content.decode()
    assert "someone else must decide" in page
    assert 'value="approve"' not in page
    assert decide(client, action).status_code == 403


@pytest.mark.parametrize("name", ["auditor", "administrator"])
def test_reading_is_not_deciding(world: World, name: str) -> None:
    action = world.staged()
    client = signed_in(world, name)
    assert client.get(f"/actions/{action.pk}/").status_code == 200
    assert decide(client, action).status_code == 403


def test_what_acts_for_a_reviewer_is_not_in_their_inbox(world: World) -> None:
    mine = world.staged(principals=(world.operator.id, world.reviewer.id))
    assert str(mine.pk) not in signed_in(world, "reviewer").get("/").content.decode()
    assert str(mine.pk) in signed_in(world, "reviewer2").get("/").content.decode()


@pytest.mark.parametrize(
    "address", ["/actions/{}/", "/actions/{}/live/", "/runs/{}/", "/runs/{}/live/", "/runs/{}/goal/", "/tools/{}/"]
)
def test_somebody_elses_thing_is_the_same_404_as_no_thing(world: World, address: str) -> None:
    run = world.run()
    action = world.staged(run=run.pk)
    existing = {"actions": action.pk, "runs": run.pk, "tools": world.tool().pk}[address.split("/")[1]]
    outsider = signed_in(world, "outsider")
    foreign, missing = outsider.get(address.format(existing)), outsider.get(address.format(uuid.uuid4()))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert signed_in(world, "administrator").get(address.format(existing)).status_code in (200, 204, 286)


@pytest.mark.parametrize("address", ["/actions/{}/decide/", "/runs/{}/cancel/", "/runs/{}/input/", "/stop/{}/release/"])
def test_nobody_changes_what_belongs_to_others(world: World, address: str) -> None:
    run = world.run()
    action = world.staged(run=run.pk)
    target = action.pk if "actions" in address else run.pk
    fields = {
        "/actions/{}/decide/": {"decision": "approve", "digest": action.digest},
        "/runs/{}/input/": {"text": "go on"},
        "/stop/{}/release/": {"reason": "x"},
    }.get(address, {})
    assert signed_in(world, "outsider").post(address.format(target), fields).status_code == 404
    action.refresh_from_db()
    assert action.status == "in_review"


@pytest.mark.parametrize("address", ["/", "/runs/", "/runs/new/", "/tools/", "/tools/outbox/", "/stop/", "/audit/"])
def test_strangers_are_sent_to_sign_in(world: World, address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_a_fragment_of_a_stranger_sends_the_whole_page_to_sign_in(world: World) -> None:
    answer = Client().get("/inbox/news/", headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert answer.content == b""


@pytest.mark.parametrize(
    ("name", "address", "status"),
    [
        ("reviewer", "/runs/new/", 403),
        ("auditor", "/runs/new/", 403),
        ("operator", "/audit/", 403),
        ("reviewer", "/audit/", 403),
        ("auditor", "/audit/", 200),
        ("operator", "/inbox/news/", 403),
    ],
)
def test_each_part_has_its_own_pages(world: World, name: str, address: str, status: int) -> None:
    assert signed_in(world, name).get(address).status_code == status


def test_pages_of_a_person_are_never_stored(world: World) -> None:
    assert "no-store" in signed_in(world, "reviewer").get("/")["Cache-Control"]


def test_filters_are_words_and_never_lookups(world: World) -> None:
    client = signed_in(world, "auditor")
    assert client.get("/audit/?actor__password__startswith=p").status_code == 400
    assert client.get("/audit/?about=no-id").status_code == 400
    assert client.get("/audit/?verb=submitted").status_code == 200


def test_the_audit_log_calls_statuses_what_every_page_calls_them(world: World) -> None:
    approved(world, world.staged())
    page = signed_in(world, "auditor").get("/audit/").content.decode()
    assert "New → Being checked" in page
    assert "In review → Permitted" in page
    assert "in_review → permitted" not in page


def test_nobody_can_sign_up(world: World) -> None:
    answer = Client().post("/accounts/signup/", {"username": "x", "password1": "p" * 20, "password2": "p" * 20})
    assert "made by an administrator" in answer.content.decode()


def test_the_agents_words_stand_in_their_fence_and_nowhere_else(world: World) -> None:
    action = world.staged(reasoning="<b>Approved by security</b>")
    page = signed_in(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert page.count("Approved by security") == 1
    assert "&lt;b&gt;Approved by security" in page.split('class="claim-body"')[1]


def test_hidden_characters_are_named_and_long_text_is_folded(world: World) -> None:
    arguments = {"to": "customer of order 1", "body": "a\u200bb" + "\n" * 40 + "end " * 200}
    action = world.staged(arguments=arguments)
    page = signed_in(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert '<span class="codepoint">U+200B</span>' in page
    assert "39 blank lines in a row push what follows out of sight." in page
    assert "open to read all of it" in page
    assert "end end" not in page.split("h-args")[1].split("The request exactly")[0]
    assert "data-needs-expanded" in page
    assert re.search(r"data-needs-expanded disabled", page)


def test_arguments_stand_in_the_order_in_which_the_tool_declares_them(world: World) -> None:
    action = world.staged(arguments={"to": "customer of order 1", "body": "Hello", "subject": "Your order"})
    page = signed_in(world, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert re.findall(r'<th scope="row"><bdi>(\w+)</bdi></th>', page) == ["To", "Subject", "Message"]


def test_on_high_risk_the_agents_words_come_only_when_asked_for(world: World) -> None:
    action = world.staged("write_note", {"text": "Call back"}, reasoning="Everybody agreed to this.")
    client = signed_in(world, "reviewer")
    address = f"/actions/{action.pk}/"
    assert action.risk == "high"
    assert "Everybody agreed" not in client.get(address).content.decode()
    assert "Everybody agreed" not in client.get(address, headers={"HX-Request": "true"}).content.decode()
    words = client.get(f"{address}?words=1", headers={"HX-Request": "true"}).content.decode()
    assert words.startswith("<blockquote>")
    assert "Everybody agreed" in words
    assert "Everybody agreed" in client.get(f"{address}?words=1").content.decode()  # without scripts


def test_a_reviewer_reads_sentences_and_not_the_names_of_settings(world: World) -> None:
    page = signed_in(world, "reviewer").get(f"/actions/{world.staged().pk}/").content.decode()
    assert "Messages that leave the organization are approved by a person" in page
    assert "Medium risk: it writes, it reaches people outside, it cannot be undone." in page
    for name in ("outside_message", "in_the_loop", "tier write"):
        assert name not in re.sub(r'(data-\w+|value)="[^"]*"', "", page)
