"""What is folded on a risky card has to be opened before it can be approved, whatever the browser sends (T43)."""

import re

import pytest
from django.test import Client

from approvals.exceptions import NotOpened
from approvals.models import Action, Decision
from approvals.reading.folds import proof
from tests.support.voting import decide, signed_in, status, yes
from tests.support.world import World
from traces.models import Event

HIDDEN = "All is well." + "\n" * 2000 + "rm"


def folded(world: World) -> Action:
    """A message of medium risk whose end is out of sight."""
    action = world.staged(arguments={"to": "customer of order 1", "body": HIDDEN})
    assert action.risk == "medium"
    return action


def opened(client: Client, action: Action, path: str = "body") -> dict[str, str]:
    """Open one folded value as the page does; the field that came with it."""
    html = client.get(f"/actions/{action.pk}/fold/", {"path": path, "digest": action.digest}).content.decode()
    return {name: value for name, value in re.findall(r'name="(opened:[^"]+)" value="([^"]+)"', html)}  # noqa: C416


def test_t43_padding_is_told_and_the_rest_is_not_in_the_page_before_it_is_opened(world: World) -> None:
    action, client = folded(world), signed_in(world, "reviewer")
    html = client.get(f"/actions/{action.pk}/").content.decode()
    assert "1999 blank lines in a row push what follows out of sight." in html
    assert "2014 characters, 2001 lines: open to read all of it" in html
    assert "It begins: <bdi>All is well.</bdi>" in html
    assert 'name="opened:' not in html
    assert re.search(r"data-needs-expanded disabled", html)
    read = client.get(f"/actions/{action.pk}/fold/", {"path": "body", "digest": action.digest}).content.decode()
    assert '<span class="gap">1999 blank lines</span>rm' in read


def test_t43_what_nobody_opened_is_not_approved_whatever_is_sent(world: World) -> None:
    action, client = folded(world), signed_in(world, "reviewer")
    for sent in ({}, {"opened:body": ""}, {"opened:body": "yes"}):
        answer = decide(client, action, **sent)
        assert answer.status_code == 422
        assert "Open every folded value" in answer.content.decode()
    assert not Decision.objects.exists()
    assert Event.objects.filter(subject=action.pk, verb="refused").count() == 3
    assert decide(client, action, **opened(client, action)).status_code == 302
    assert status(action) == "permitted"


def test_t43_a_token_is_for_one_person_one_value_and_one_version(world: World) -> None:
    action, client = folded(world), signed_in(world, "reviewer")
    theirs = opened(signed_in(world, "reviewer2"), action)
    elsewhere = opened(client, folded(world))
    other_value = {"opened:body": proof(action.digest, "to", world.reviewer.pk)}
    for sent in (theirs, elsewhere, other_value):
        assert decide(client, action, **sent).status_code == 422
    assert not Decision.objects.exists()


def test_the_verb_itself_asks_for_what_was_opened(world: World) -> None:
    action = folded(world)
    with pytest.raises(NotOpened):
        yes(world, world.reviewer, action)
    yes(world, world.reviewer, action, opened={"body": proof(action.digest, "body", world.reviewer.pk)})
    assert status(action) == "permitted"


def test_rejecting_asks_for_nothing_to_be_opened(world: World) -> None:
    action = folded(world)
    assert decide(signed_in(world, "reviewer"), action, decision="reject", reason="No.").status_code == 302


def test_without_scripts_everything_that_is_folded_is_shown_at_once(world: World) -> None:
    action, client = folded(world), signed_in(world, "reviewer")
    html = client.get(f"/actions/{action.pk}/?open=1").content.decode()
    assert "blank lines</span>rm" in html
    assert "data-needs-expanded" not in html
    fields = dict(re.findall(r'name="(opened:[^"]+)" value="([^"]+)"', html))
    assert decide(client, action, **fields).status_code == 302


def test_a_value_that_is_not_folded_has_no_field_and_no_page_of_its_own(world: World) -> None:
    action, client = folded(world), signed_in(world, "reviewer")
    assert client.get(f"/actions/{action.pk}/fold/", {"path": "to", "digest": action.digest}).status_code == 404
    assert decide(client, action, **{"opened:to": "x"}).status_code == 400
    assert decide(client, action, **{"opened:id": "x"}).status_code == 400


def test_a_fold_of_an_older_version_is_not_opened(world: World) -> None:
    action = folded(world)
    client = signed_in(world, "reviewer")
    assert client.get(f"/actions/{action.pk}/fold/", {"path": "body", "digest": "sha256:0"}).status_code == 204


def test_short_values_need_no_token(world: World) -> None:
    action = world.staged()
    assert decide(signed_in(world, "reviewer"), action).status_code == 302
