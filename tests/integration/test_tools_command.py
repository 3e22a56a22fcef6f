"""``manage.py tools``: documents in, the list out, and what may be set with which reason."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.support.dialling import ready
from tests.support.rude import Rude, closed_port, rude, says
from tools.contract import Contract
from tools.models import Tool
from traces.models import Event

TEXT = {"type": "string"}
KEY = {"name": "Idempotency-Key", "in": "header", "schema": TEXT}


def a_document(title: str = "Shop", server: str = "https://shop.example", **operations: Any) -> dict[str, Any]:
    paths = {f"/{name}": {"post": {"operationId": name, "parameters": [KEY], **o}} for name, o in operations.items()}
    return {"openapi": "3.1.0", "info": {"title": title}, "servers": [{"url": server}], "paths": paths}


def body(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


@pytest.fixture
def bring(tmp_path: Path) -> Any:
    """Import a document from a file; returns what was printed."""

    def bring(document: Any, *options: str) -> str:
        place = tmp_path / "openapi.json"
        place.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
        return tools("import-openapi", str(place), *options)

    return bring


def tools(*arguments: str, organization: str = "demo") -> str:
    out = io.StringIO()
    call_command("tools", *arguments, "--organization", organization, stdout=out, stderr=out)
    return out.getvalue()


def found(world: Any, name: str) -> Tool:
    return Tool.objects.select_related("version").get(organization=world.organization, name=name)


def test_tools_are_imported_in_the_loop_for_operators_and_reviewers(world: Any, bring: Any) -> None:
    said = bring(a_document(make_order=body(item=TEXT), cancel_order={}))
    assert "imported" in said
    assert said.splitlines()[-1] == "2 imported, 0 updated, 0 unchanged, 0 skipped"
    tool = found(world, "make_order")
    assert (tool.maturity, tool.tier, tool.enabled) == ("in_the_loop", "write", True)
    assert tool in Tool.objects.usable(world.organization.id, world.operator.id, world.agent.id)
    assert world.reviewer.has_perm("tools.review_tool", tool)
    assert not Tool.objects.filter(organization=world.elsewhere, name="make_order").exists()


def test_importing_again_changes_nothing_and_a_changed_operation_is_the_next_version(world: Any, bring: Any) -> None:
    bring(a_document(make_order=body(item=TEXT)))
    assert bring(a_document(make_order=body(item=TEXT))).splitlines()[-1].endswith("1 unchanged, 0 skipped")
    assert found(world, "make_order").version.number == 1
    assert "1 updated" in bring(a_document(make_order=body(item=TEXT, count={"type": "integer"})))
    assert found(world, "make_order").version.number == 2


def test_a_tool_that_changed_goes_back_into_the_loop(world: Any, bring: Any) -> None:
    """T14: trust was given to what the tool was."""
    bring(a_document(make_order=body(item=TEXT)), "--keyed-for", "3600")
    ready(world, "make_order")
    tools("set", "make_order", "--maturity", "on_the_loop", "--veto", "30", "--reason", "Ten months without a fault.")
    said = bring(a_document(server="https://elsewhere.example", make_order=body(item=TEXT)))
    assert "back in the loop" in said
    assert found(world, "make_order").maturity == "in_the_loop"


def test_other_services_and_other_kinds_of_tools_are_not_taken_over(world: Any, bring: Any) -> None:
    before = found(world, "send_message").version_id
    bring(a_document(make_order=body(item=TEXT)))
    said = bring(a_document(title="Evil", makeorder={}))
    assert "makeorder may be taken for make_order" in said
    said = bring(a_document(title="Evil", send_message=body(to=TEXT), make_order=body(item=TEXT)))
    assert "0 imported, 0 updated, 0 unchanged, 2 skipped" in said
    assert "the catalogue has another send_message (a python tool)" in said
    assert "the catalogue has another make_order (Shop)" in said
    assert found(world, "send_message").version_id == before
    assert found(world, "make_order").version.contract["network"] == ["shop.example"]


def test_what_is_left_out_is_said_with_its_reason_and_the_rest_comes_in(world: Any, bring: Any) -> None:
    upload = {"requestBody": {"content": {"multipart/form-data": {}}}}
    said = bring(a_document(upload=upload, make_order=body(item=TEXT)))
    assert "POST /upload" in said
    assert "multipart/form-data" in said
    assert said.splitlines()[-1] == "1 imported, 0 updated, 0 unchanged, 1 skipped"


def test_only_the_administrator_makes_tools_freer(world: Any, bring: Any) -> None:
    operation = {**body(item=TEXT), "x-countersign-idempotency": "keyed", "x-countersign-key-seconds": 60}

    def lifetime() -> int | None:
        return Contract.from_json(found(world, "make_order").version.contract).idempotency.lifetime

    bring(a_document(make_order=operation))
    assert lifetime() is None
    bring(a_document(make_order=operation), "--trust-extensions")
    assert lifetime() == 60
    bring(a_document(make_order=body(item=TEXT)), "--keyed-for", "3600")
    assert lifetime() == 3600


def test_a_document_is_fetched_from_where_the_administrator_says_and_nowhere_else(world: Any) -> None:
    def manner(server: Rude, connection: Any) -> None:
        document = a_document(server="/api", make_order=body(item=TEXT))
        says(200, json.dumps(document))(server, connection)

    with rude(manner) as server:
        said = tools("import-openapi", f"{server.url}/openapi.json")
        assert found(world, "make_order").version.contract["binding"]["server"] == f"{server.url}/api"
        assert "calls are refused until LAM_EGRESS_PRIVATE names it" in said
        assert server.place in said
    with rude(says(302, b"", "Location: http://127.0.0.1:1/")) as server, pytest.raises(CommandError, match="302"):
        tools("import-openapi", server.url)
    with pytest.raises(CommandError, match="refused the connection"):
        tools("import-openapi", f"http://127.0.0.1:{closed_port()}/openapi.json")


def test_the_administrators_address_stands_above_the_documents(world: Any, bring: Any) -> None:
    operation = {**body(item=TEXT), "servers": [{"url": "http://inner.example"}]}
    bring(a_document(make_order=operation), "--server", "https://gateway.example/shop")
    assert found(world, "make_order").version.contract["binding"]["server"] == "https://gateway.example/shop"


@pytest.mark.parametrize("document", ["", "{", '{"swagger": "2.0"}', '{"openapi": "3.1.0", "paths": 7}'])
def test_what_is_no_document_is_refused_in_a_sentence(world: Any, bring: Any, document: str) -> None:
    with pytest.raises(CommandError, match="The document"):
        bring(document)


def test_nobody_and_nothing_are_named(world: Any) -> None:
    with pytest.raises(CommandError, match="--organization"):
        tools("list", organization="nobody")
    with pytest.raises(CommandError, match="no tool called nothing"):
        tools("set", "nothing", "--veto", "5")
    with pytest.raises(CommandError, match=r"/nowhere\.json"):
        tools("import-openapi", "/nowhere.json")


def test_the_list_shows_every_tool_of_the_organization(world: Any, bring: Any) -> None:
    bring(a_document(make_order=body(item=TEXT)))
    lines = tools("list").splitlines()
    assert lines[0].split() == ["NAME", "TIER", "MATURITY", "VETO", "CLASS", "STATE", "VERSION", "WHERE"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert {"make_order", "send_message", "write_note"} <= rows.keys()
    assert list(rows) == sorted(rows)
    assert rows["make_order"] == ["write", "in_the_loop", "0", "neither", "on", "v1", "shop.example"]
    assert "make_order" not in tools("list", organization="elsewhere")


def test_making_a_tool_freer_needs_a_reason_and_is_remembered(world: Any) -> None:
    ready(world, "lend_odd")
    for change in (["--maturity", "audit_only"], ["--tier", "read"]):
        with pytest.raises(CommandError, match="--reason"):
            tools("set", "lend_odd", *change)
    with pytest.raises(CommandError, match="--veto"):
        tools("set", "lend_odd", "--maturity", "on_the_loop", "--reason", "Tried for a month.")
    said = tools("set", "lend_odd", "--maturity", "on_the_loop", "--veto", "30", "--reason", "Tried for a month.")
    assert said == "lend_odd: maturity in_the_loop → on_the_loop, veto_seconds 0 → 30\n"
    tool = found(world, "lend_odd")
    assert (tool.maturity, tool.veto_seconds) == ("on_the_loop", 30)
    event = Event.objects.filter(verb="tool_set", subject=tool.id).latest("id")
    assert event.reason == "Tried for a month."


def test_a_tool_whose_list_is_not_met_is_not_raised_and_what_is_missing_is_said(world: Any) -> None:
    with pytest.raises(CommandError, match=r"not ready.*preview.*limits.*owner.*categories"):
        tools("set", "send_message", "--maturity", "on_the_loop", "--veto", "30", "--reason", "Because.")
    ready(world, "lend_odd")
    with pytest.raises(CommandError, match=r"not ready.*samples"):
        tools("set", "lend_odd", "--maturity", "audit_only", "--reason", "Because.")
    assert {found(world, name).maturity for name in ("send_message", "lend_odd")} == {"in_the_loop"}


def test_the_shell_names_an_owner_lifts_a_category_and_holds_it_again(world: Any) -> None:
    said = tools("set", "send_message", "--owner", "administrator")
    assert said == "send_message: owner nobody → administrator\n"
    tools("set", "send_message", "--lift", "outside_message", "--reason", "Only to colleagues.")
    assert found(world, "send_message").lifted == {"outside_message": {"reason": "Only to colleagues.", "limit": None}}
    tools("set", "send_message", "--unlift", "outside_message")
    assert found(world, "send_message").lifted == {}
    with pytest.raises(CommandError, match="does not declare"):
        tools("set", "send_message", "--lift", "money", "--reason", "Why not.")
    with pytest.raises(CommandError, match="nobody of that name"):
        tools("set", "send_message", "--owner", "outsider")


def test_a_risky_tool_is_made_freer_by_two_people_and_the_shell_is_one(world: Any) -> None:
    ready(world, "pay_odd")
    raising = ["--maturity", "on_the_loop", "--veto", "30", "--reason", "Tried for a month."]
    with pytest.raises(CommandError, match="second person"):
        tools("set", "pay_odd", *raising)
    said = tools("set", "pay_odd", *raising, "--as", "administrator")
    assert said.endswith("; waits for a second person\n")
    assert found(world, "pay_odd").maturity == "in_the_loop"
    with pytest.raises(CommandError, match="may not set"):
        tools("set", "pay_odd", *raising, "--as", "reviewer")


def test_making_a_tool_stricter_needs_none(world: Any) -> None:
    tools("set", "send_message", "--tier", "admin")
    assert found(world, "send_message").tier == "admin"
    assert tools("set", "send_message", "--tier", "admin") == "send_message is set so already\n"
