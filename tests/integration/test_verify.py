"""After the call the tool is asked whether the effect holds: an effect that is not found is a finding, no success."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from approvals.models import Action
from approvals.services.verdict import did_not_happen
from approvals.tasks import execute_permitted
from tests.support import checking
from tests.support.permits import signed
from tests.support.voting import signed_in
from tests.support.world import World, make_world
from tools.connectors.python import TOOLS
from tools.models import Execution, Note
from traces.models import Event, EventDetail


@pytest.fixture
def cast(transactional_db: None, cheap_passwords: None) -> Iterator[World]:
    """The world with the drawer on offer: for these tests only, since others count the tools on offer."""
    checking.reset()
    TOOLS["keep_thing"] = checking.keep_thing
    yield make_world()
    del TOOLS["keep_thing"]


@pytest.fixture(scope="module", autouse=True)
def _not_on_offer_elsewhere() -> None:
    TOOLS.pop("keep_thing", None)


def kept(world: World, *orders: str) -> tuple[Action, Execution, dict[str, Any]]:
    """One call under these orders; its action, its ledger row and what the check left as evidence."""
    checking.ORDERS.extend(orders)
    action = signed(world, tool="keep_thing", arguments={"thing": "T-1"})
    execute_permitted()
    action.refresh_from_db()
    ledger = Execution.objects.get(action=action.id)
    return action, ledger, json.loads(ledger.evidence)["verified"]


def told(ledger: Execution) -> Any:
    """What the event of the record says of the check."""
    event = Event.objects.get(subject=ledger.id, verb="recorded")
    return json.loads(EventDetail.objects.get(event=event.id).detail)["verified"]


def test_an_effect_that_holds_is_done_and_the_card_says_that_it_was_looked_for(cast: World) -> None:
    action, ledger, found = kept(cast)
    assert (action.status, ledger.status, found) == ("done", "done", {"state": "held", "text": "It lies on top."})
    assert told(ledger) == found
    assert (len(checking.CALLS), checking.CHECKS) == (1, ["T-1"])
    page = signed_in(cast, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert "The tool’s own check finds it. It lies on top." in page


def test_an_effect_that_its_own_tool_does_not_find_is_no_success_and_a_person_finds_out(cast: World) -> None:
    action, ledger, found = kept(cast, "lose")
    assert (action.status, ledger.status, ledger.error_code) == ("uncertain", "uncertain", "not_verified")
    assert json.loads(ledger.result) == {"kept": "T-1"}  # what the tool answered is kept beside what its check found
    assert found["state"] == told(ledger)["state"] == "missing"
    assert (len(checking.CALLS), len(checking.CHECKS)) == (1, 1)
    execute_permitted()
    assert len(checking.CALLS) == 1  # a keyed tool too is not called again
    page = signed_in(cast, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert "Done, says the tool, but its own check does not find it" in page
    assert "The drawer is empty." in page
    assert "<b>" not in page.replace("<b></b>", "")
    assert "\u202e" not in page
    did_not_happen(
        actor=cast.reviewer, organization=cast.organization.id, action_id=action.id, digest=action.digest, reason="Gone"
    )
    action.refresh_from_db()
    assert action.status == "failed"


@pytest.mark.parametrize("order", ["break", "write"])
def test_a_check_that_cannot_be_asked_says_nothing_against_the_answer_and_is_recorded(cast: World, order: str) -> None:
    action, ledger, found = kept(cast, order, order)
    checking.ORDERS.clear()
    assert (action.status, ledger.status, found["state"]) == ("done", "done", "not_asked")
    assert told(ledger) == found
    assert not Note.objects.exists()  # asking changes nothing, whatever the check tries
    page = signed_in(cast, "reviewer").get(f"/actions/{action.pk}/").content.decode()
    assert "The tool could not be asked whether it holds" in page


def test_a_tool_that_can_be_looked_at_is_another_version_than_one_that_cannot() -> None:
    from dataclasses import replace

    contract = checking.keep_thing.contract
    assert contract.verify
    assert replace(contract, verify=False).version_hash() != contract.version_hash()
    assert "verify" not in replace(contract, verify=False).to_json()
