"""Evidence on its page: who may ask, who may take it, and what is kept from whom."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from approvals.models import Action
from lam_app.models import Run
from tests.integration.test_evidence import documents, done
from tests.support.asking import file_of, work_off
from tests.support.sealing import Seal, seal_in
from tests.support.world import World
from tools.models import ToolVersion
from traces.calls import ModelCall, remember
from traces.inquiry import Inquiry
from traces.models import Event


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A sealer that has not begun."""
    return seal_in(tmp_path)


def reasoned(world: World) -> tuple[Run, Action]:
    """A run whose action a model reasoned about."""
    run = world.run()
    call = ModelCall(
        world.organization.id, run.id, 1, 1, "m", [("user", "the words of the prompt")], "sha256:0", latency_ms=1,
        answer="the words of the answer", reasoning="what it told itself",
    )  # fmt: skip
    return run, done(world, run, trace=remember(call), reasoning="what it says of itself")


def test_the_initiator_and_an_auditor_ask_and_take_it(seal: Seal, world: World, page: Any) -> None:
    run, action = reasoned(world)
    for name in ("operator", "auditor"):
        for address in (f"/actions/{action.pk}/evidence/", f"/runs/{run.pk}/evidence/"):
            assert page(name).post(address).status_code == 302
        waits = page(name).get(f"/actions/{action.pk}/evidence/live/")
        assert waits.status_code == 200
    work_off(seal)
    last = page("operator").get(f"/actions/{action.pk}/evidence/live/")
    assert last.status_code == 286
    assert "Download" in last.content.decode()
    for asked in Inquiry.objects.all():
        assert asked.state == "done", asked.problem
        assert documents(file_of(page(asked.asked_name), asked))["manifest.json"]["made_for"] == asked.asked_name


@pytest.mark.parametrize("name", ["reviewer", "administrator", "developer", "outsider"])
def test_for_everybody_else_there_is_none(seal: Seal, world: World, page: Any, name: str) -> None:
    run, action = reasoned(world)
    page("auditor").post(f"/actions/{action.pk}/evidence/")
    work_off(seal)
    for address in (f"/actions/{action.pk}/evidence/", f"/runs/{run.pk}/evidence/"):
        assert page(name).get(address).status_code == 404
        assert page(name).post(address).status_code == 404
    assert page(name).get(f"/audit/files/{Inquiry.objects.get().pk}/").status_code == 404


def test_the_models_words_are_for_auditors_and_never_for_whom_it_acts(seal: Seal, world: World, page: Any) -> None:
    words = ("the words of the prompt", "the words of the answer", "what it told itself", "what it says of itself")
    run, action = reasoned(world)
    found = {}
    for name in ("operator", "auditor"):
        for address in (f"/actions/{action.pk}/evidence/", f"/runs/{run.pk}/evidence/"):
            page(name).post(address)
    work_off(seal)
    for asked in Inquiry.objects.all():
        found[asked.asked_name, asked.subject_kind] = file_of(page(asked.asked_name), asked)
    for kind in ("action", "run"):
        with_words, without = found["auditor", kind], found["operator", kind]
        assert all(word.encode() in with_words for word in words)
        assert not [word for word in words if word.encode() in without]
        assert documents(without)["manifest.json"]["reasoning"] is False
    auditors = Inquiry.objects.get(asked_name="auditor", subject_kind="action")
    assert page("operator").get(f"/audit/files/{auditors.pk}/").status_code == 404
    assert str(auditors.pk) not in page("operator").get(f"/actions/{action.pk}/evidence/").content.decode()


def test_secrets_are_masked_in_every_document(seal: Seal, world: World, page: Any) -> None:
    tool, secret = world.tool(), "correct-horse-battery & staple"
    contract = {**tool.version.contract, "secret_fields": ["body"]}
    version = ToolVersion.objects.create(
        organization=world.organization, tool=tool, number=tool.version.number + 1, hash="sha256:9", contract=contract
    )
    type(tool).objects.filter(pk=tool.pk).update(version=version)
    action = world.staged(arguments={"to": "customer of order 1009", "body": secret}, reasoning=f"They say {secret}.")
    page("auditor").post(f"/actions/{action.pk}/evidence/")
    work_off(seal)
    data = file_of(page("auditor"), Inquiry.objects.get())
    with zipfile.ZipFile(BytesIO(data)) as archive:
        held = {name: archive.read(name).decode() for name in archive.namelist()}
        revision = json.loads(archive.read("revisions.json"))[0]
    assert [name for name, content in held.items() if "correct-horse-battery" in content] == []
    assert (revision["arguments"]["body"], revision["arguments"]["to"]) == ("••••••••", "customer of order 1009")
    assert json.loads(held["action.json"])["reasoning"] == "They say ••••••••."


def test_whoever_lost_the_right_while_it_was_made_gets_nothing(seal: Seal, world: World, page: Any) -> None:
    _, action = reasoned(world)
    page("auditor").post(f"/actions/{action.pk}/evidence/")
    world.auditor.memberships.update(roles=["reviewer"])
    work_off(seal)
    asked = Inquiry.objects.get()
    assert asked.state == "failed"
    assert "no such action or run" in asked.problem
    assert Event.objects.filter(subject=asked.pk, verb="inquiry_failed").exists()


def test_the_card_the_run_and_the_history_lead_to_it_for_those_who_may_have_it(
    seal: Seal, world: World, page: Any
) -> None:
    run, action = reasoned(world)
    for name, offered in {"operator": True, "auditor": True, "administrator": False}.items():
        assert (
            f"/actions/{action.pk}/evidence/" in page(name).get(f"/actions/{action.pk}/").content.decode()
        ) is offered
        assert (f"/runs/{run.pk}/evidence/" in page(name).get(f"/runs/{run.pk}/").content.decode()) is offered
