"""An agent acts for whoever it asks for and for whoever answers for it: the whole chain is kept, shown and kept out."""

from approvals.models import Action
from tests.support.api import Api, Caller, outside_agent, token_of
from tests.support.voting import browser, decide, status
from tests.support.world import MESSAGE


def test_t38_neither_who_asked_nor_who_owns_the_agent_decides_and_the_card_says_so(api: Api) -> None:
    world = api.world
    world.operator.groups.add(*world.reviewer.groups.all())
    agent = outside_agent(world.organization, world.reviewer, "send_message", name="sub-agent")
    bot = Caller(token_of(world, "operator", "agent", agent))
    staged = bot.post("actions", {"tool": "send_message", "arguments": MESSAGE}).json()
    action = Action.objects.get(id=staged["id"])
    assert set(action.principals) == {world.operator.id, world.reviewer.id}
    for name in ("operator", "reviewer"):
        client = browser(world, name)
        page = client.get(f"/actions/{action.pk}/").content.decode()
        assert "someone else must decide" in page
        assert 'value="approve"' not in page
        assert decide(client, action).status_code == 403
        assert str(action.pk) not in client.get("/").content.decode()
    third = browser(world, "reviewer2")
    assert "except operator and reviewer, for whom it acts" in third.get(f"/actions/{action.pk}/").content.decode()
    assert decide(third, action).status_code == 302
    assert status(action) == "permitted"


def test_t38_an_agent_that_changes_hands_takes_nobody_out_of_the_chain(api: Api) -> None:
    world = api.world
    action = Action.objects.get(id=api.staged()["id"])
    api.agent.owner = world.administrator
    api.agent.save()
    world.developer.groups.add(*world.reviewer.groups.all())
    assert decide(browser(world, "developer"), action).status_code == 403
    assert status(action) == "in_review"
