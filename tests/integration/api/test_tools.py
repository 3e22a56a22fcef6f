"""GET /tools and /tools/{name}: the catalogue as the token's person and agent see it."""

from tests.support.api import Api, problem
from tools.models import Tool


def names(answer: object) -> list[str]:
    return [tool["name"] for tool in answer.json()["items"]]  # type: ignore[attr-defined]


def test_an_agent_sees_what_it_may_propose_for_this_person(api: Api) -> None:
    assert names(api.bot.get("tools")) == ["send_message"]
    shown = api.bot.get("tools/send_message").json()
    assert shown["arguments"]["required"] == ["to", "body"]
    assert (shown["tier"], shown["maturity"], shown["idempotency"]["kind"]) == ("write", "in_the_loop", "keyed")
    assert shown["version"].startswith("sha256:")


def test_a_persons_token_sees_what_the_planner_may_use_for_them(api: Api) -> None:
    assert set(names(api.operator.get("tools"))) >= {"send_message", "write_note"}
    assert names(api.reviewer.get("tools")) == []


def test_an_auditor_sees_the_whole_catalogue(api: Api) -> None:
    Tool.objects.filter(organization=api.world.organization, name="write_note").update(enabled=False)
    assert "write_note" not in names(api.operator.get("tools"))
    assert set(names(api.auditor.get("tools"))) >= {"send_message", "write_note"}


def test_a_page_begins_behind_the_one_before(api: Api) -> None:
    seen, after = [], {}
    while True:
        page = api.operator.get("tools", limit=1, **after).json()
        seen += [tool["name"] for tool in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == names(api.operator.get("tools"))


def test_what_is_not_offered_is_not_there(api: Api) -> None:
    for caller, name in ((api.bot, "write_note"), (api.bot, "nothing"), (api.bot, "%00"), (api.reviewer, "write_note")):
        assert caller.get(f"tools/{name}").status_code in {400, 404}
    assert problem(api.bot.get("tools/write_note"), 404, "not_found") == problem(
        api.bot.get("tools/nothing"), 404, "not_found"
    )
