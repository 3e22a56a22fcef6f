"""The sandbox's own document: every operation comes in, and each says truly what may be done about a lost answer."""

from __future__ import annotations

import json

import pytest

from tools.contract import Contract, IdempotencyClass, Tier
from tools.openapi import Imported, Trust, imported, read


def contracts(*, trusted: bool) -> dict[str, Contract]:
    from sandbox.openapi import document

    found = list(imported(read(json.dumps(document())), base="http://127.0.0.1:1", trust=Trust(extensions=trusted)))
    assert [one for one in found if not isinstance(one, Imported)] == []
    return {one.contract.name: one.contract for one in found if isinstance(one, Imported)}


def test_every_operation_is_a_tool() -> None:
    from sandbox.operations import OPERATIONS

    assert set(contracts(trusted=False)) == set(contracts(trusted=True)) == set(OPERATIONS)


def test_untrusted_no_write_is_ever_repeated() -> None:
    for contract in contracts(trusted=False).values():
        kind = IdempotencyClass.KEYED if contract.tier is Tier.READ else IdempotencyClass.NEITHER
        assert contract.idempotency.kind is kind
        assert not contract.reversible


def test_trusted_each_has_the_class_that_the_office_keeps() -> None:
    from sandbox.operations import OPERATIONS

    for name, contract in contracts(trusted=True).items():
        declared = OPERATIONS[name].repeat.value
        assert contract.idempotency.kind.value == ("keyed" if declared == "read" else declared)


@pytest.mark.parametrize("name", ["reserve", "create_refund", "create_user"])
def test_inverses_are_tools_as_well(name: str) -> None:
    found = contracts(trusted=True)
    assert found[name].reversible
    assert found[name].inverse in found


def test_what_can_be_read_before_a_call_is_part_of_its_tool() -> None:
    from sandbox.foreseen import FORESEEN, NAMED

    for name, contract in contracts(trusted=True).items():
        assert contract.preview is (name in FORESEEN)
        assert set(contract.lookups) == set(NAMED.get(name, ()))
    assert not any(contract.preview or contract.lookups for contract in contracts(trusted=False).values())
