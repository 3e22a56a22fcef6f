"""The page of keeping and forgetting: who sees it, what it shows, and what its forms do."""

from typing import Any

import pytest
from django.test import Client

from lam_app.erasing import erase_due
from lam_app.models import Erasure
from tests.support.signed_in import fresh, stale
from tests.support.world import World
from traces.forgetting import Hold, Retention

PAGE = "/settings/erasure/"


def send(client: Client, what: str, **fields: Any) -> Any:
    return client.post(PAGE, {"what": what, "reason": "as agreed", **fields})


def asked(world: World) -> Erasure:
    answer = send(fresh(world), "ask", person=world.operator.pk)
    assert answer.status_code == 302
    return Erasure.objects.get()


def test_what_would_go_is_counted_before_anybody_asks(world: World) -> None:
    world.run()
    text = fresh(world).get(f"{PAGE}?person={world.operator.pk}").content.decode()
    assert "What would go of operator" in text
    assert "What stays: that it happened" in text
    assert not Erasure.objects.exists()


def test_an_administrator_asks_and_a_second_person_confirms(world: World) -> None:
    one = asked(world)
    own = fresh(world).get(PAGE).content.decode()
    assert "Erase operator?" in own
    assert 'value="confirm"' not in own
    assert send(fresh(world), "confirm", erasure=one.pk).status_code == 403
    assert 'value="confirm"' in fresh(world, "auditor").get(PAGE).content.decode()
    assert send(fresh(world, "auditor"), "confirm", erasure=one.pk).status_code == 302
    assert "operator is being erased" in fresh(world).get(PAGE).content.decode()
    erase_due()
    over = fresh(world).get(PAGE).content.decode()
    assert "is being erased" not in over
    assert "confirmed by auditor" in over


def test_whoever_asks_or_confirms_has_just_signed_in(world: World) -> None:
    assert send(stale(world), "ask", person=world.operator.pk).status_code == 401
    one = asked(world)
    assert send(stale(world, "auditor"), "confirm", erasure=one.pk).status_code == 401
    assert Erasure.objects.get().confirmed_at is None


def test_what_was_asked_for_is_withdrawn(world: World) -> None:
    one = asked(world)
    assert send(fresh(world), "withdraw", erasure=one.pk).status_code == 302
    assert send(fresh(world, "auditor"), "confirm", erasure=one.pk).status_code == 422
    assert "withdrawn by administrator" in fresh(world).get(PAGE).content.decode()


def test_the_period_is_set_on_the_page_by_administrators_alone(world: World) -> None:
    assert send(fresh(world), "keep", days="365").status_code == 302
    assert Retention.objects.of(world.organization.pk).days == 365  # type: ignore[union-attr]
    assert "365 days." in fresh(world).get(PAGE).content.decode()
    assert send(fresh(world), "keep", days="soon").status_code == 422
    assert send(fresh(world, "auditor"), "keep", days="90").status_code == 403
    assert send(fresh(world), "keep", days="").status_code == 302
    assert Retention.objects.of(world.organization.pk).days is None  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["organization", "run", "person"])
def test_something_is_held_and_lifted(kind: str, world: World) -> None:
    run = world.run()
    answer = send(fresh(world, "auditor"), "hold", kind=kind, person=world.operator.pk, target=str(run.pk))
    assert answer.status_code == 302
    one = Hold.objects.get()
    text = fresh(world).get(PAGE).content.decode()
    assert {"organization": "Everything", "run": str(run.pk), "person": "What operator did"}[kind] in text
    assert send(fresh(world), "lift", hold=one.pk).status_code == 302
    assert send(fresh(world), "lift", hold=one.pk).status_code == 404
    assert Hold.objects.get().lifted_by == world.administrator.pk


def test_a_held_run_of_an_agent_from_outside_leads_to_what_there_is_of_it(world: World) -> None:
    action = world.staged()
    send(fresh(world, "auditor"), "hold", kind="run", target=str(action.run))
    link = f'href="/audit/subjects/{action.run}/"'
    auditor = fresh(world, "auditor")
    assert link in auditor.get(PAGE).content.decode()
    assert auditor.get(f"/audit/subjects/{action.run}/").status_code == 200
    assert link not in fresh(world).get(PAGE).content.decode()


def test_what_the_page_cannot_do_is_said(world: World) -> None:
    client = fresh(world)
    assert send(client, "hold", kind="run", target="not an id").status_code == 422
    assert send(client, "hold", kind="everything").status_code == 422
    assert send(client, "ask", person=world.outsider.pk).status_code == 404
    assert send(client, "ask", person=world.administrator.pk).status_code == 403
    assert send(client, "confirm", erasure="01a20000-0000-7000-8000-000000000000").status_code == 404
    assert send(client, "destroy").status_code == 400
    assert client.post(PAGE, {"what": "keep", "unheard": "of"}).status_code == 400
    assert not Erasure.objects.exists()


def test_another_organization_s_are_nowhere(world: World) -> None:
    one = asked(world)
    send(fresh(world), "hold", kind="person", person=world.operator.pk)
    outside = fresh(world, "outsider")
    assert "operator" not in outside.get(PAGE).content.decode()
    assert send(outside, "confirm", erasure=one.pk).status_code == 404
    assert send(outside, "lift", hold=Hold.objects.get().pk).status_code == 404
