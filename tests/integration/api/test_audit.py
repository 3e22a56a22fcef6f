"""GET /audit/events: the whole record, for auditors."""

from tests.support.api import Api, problem


def test_an_auditor_reads_everything_newest_first_with_details(api: Api) -> None:
    staged = api.staged()
    items = api.auditor.get("audit/events", run=staged["run"]).json()["items"]
    assert [e["target"] for e in items] == ["in_review", "proposed"]
    assert items[1]["detail"]["tool"] == "send_message"
    assert items[1]["actor"] == {"kind": "agent", "id": str(api.agent.id), "name": "claims-bot"}
    assert items[1]["subject"] == {"kind": "action", "id": staged["id"]}


def test_pages_follow_each_other_without_gaps_or_repeats(api: Api) -> None:
    api.staged()
    whole = [e["id"] for e in api.auditor.get("audit/events", limit=200).json()["items"]]
    seen: list[str] = []
    before = {}
    while True:
        page = api.auditor.get("audit/events", limit=7, **before).json()
        seen += [e["id"] for e in page["items"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert seen == whole


def test_filters_are_the_named_ones(api: Api) -> None:
    staged = api.staged()
    ask = api.auditor.get
    assert {e["verb"] for e in ask("audit/events", verb="proposed").json()["items"]} == {"proposed"}
    assert len(ask("audit/events", subject=staged["id"]).json()["items"]) == 2
    assert len(ask("audit/events", actor=api.agent.id).json()["items"]) == 1
    for name in ("organization", "verb__startswith", "detail"):
        problem(ask("audit/events", **{name: "x"}), 400, "schema_invalid")
    for name in ("before", "run", "subject", "actor"):
        problem(ask("audit/events", **{name: "1 OR 1=1"}), 422, "schema_invalid")


def test_one_organization_reads_nothing_of_another(api: Api) -> None:
    api.staged()
    outsider = api.caller("outsider", "audit")
    organizations = {e["detail"].get("slug") for e in outsider.get("audit/events", limit=200).json()["items"]}
    assert "demo" not in organizations
    assert "elsewhere" in organizations
    assert outsider.get("audit/events", verb="proposed").json()["items"] == []


def test_only_an_audit_token_reads_it(api: Api) -> None:
    for caller in (api.bot, api.operator, api.reviewer, api.caller("auditor", "operate")):
        problem(caller.get("audit/events"), 403, "not_permitted")
