"""A secret argument is what runs, and nobody is shown it: neither as an argument nor in the request."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from approvals.reading.plainly import without_secrets
from tests.support.sql import without_guards
from tests.support.voting import signed_in
from tests.support.world import World

MASKED = "swordfish"


@pytest.mark.parametrize("name", ["administrator", "reviewer", "auditor", "operator"])
def test_t97_the_request_on_a_card_masks_what_the_contract_calls_secret(name: str, world: World) -> None:
    with without_guards() as admin:
        admin.execute(
            "UPDATE tools_toolversion SET contract = jsonb_set(contract, '{secret_fields}', '[\"body\"]')"
            " WHERE contract->>'name' = 'send_message'"
        )
    action = world.staged(arguments={"to": "customer of order 1009", "body": f"the word is {MASKED}"})
    text = signed_in(world, name).get(f"/actions/{action.pk}/").content.decode()
    assert "The request exactly as it would be sent" in text
    assert "customer of order 1009" in text
    assert MASKED not in text


@pytest.mark.parametrize(
    ("request_made", "stays"),
    [
        ({"body": {"pin": 1234, "amount": 12345}}, "12345"),
        ({"url": "https://x/?q=a%20b%2Fc%20d", "page": 2}, "https://x/?q="),
        ({"headers": ["X: a b/c d"], "ok": True}, "X: "),
    ],
)
def test_t97_a_secret_is_masked_wherever_the_request_repeats_it_and_in_every_spelling(
    request_made: dict[str, Any], stays: str
) -> None:
    contract: Any = SimpleNamespace(secret_fields=("pin", "word"))
    shown = without_secrets(json.dumps(request_made), {"pin": 1234, "word": ["a b/c d"], "amount": 12345}, contract)
    assert stays in shown
    assert not any(secret in shown for secret in (": 1234,", "a b/c d", "a%20b%2Fc%20d"))
