"""An agent acts for whoever answers for it and whoever has seen its token: the chain is kept, shown and kept out."""

from accounts.models import Membership
from accounts.tokens import make
from approvals.models import Action
from tests.support.api import Api, Caller, outside_agent
from tests.support.voting import browser, decide, status
from tests.support.world import MESSAGE


def test_t38_neither_who_owns_the_agent_nor_who_made_its_token_decides_and_the_card_says_so(api: Api) -> None:
    world = api.world
    for name in ("operator", "administrator"):
        world.people[name].groups.add(*world.reviewer.groups.all())
        roles = Membership.objects.filter(user=world.people[name])
        roles.update(roles=[name, "reviewer"])
    agent = outside_agent(world.organization, world.operator, "send_message", name="sub-agent")
    asked = {"scope": "agent", "agent": agent, "days": 1, "name": "Sub"}
    bot = Caller(make(by=world.administrator, organization=world.organization, **asked)[1])
    staged = bot.post("actions", {"tool": "send_message", "arguments": MESSAGE}).json()
    action = Action.objects.get(id=staged["id"])
    assert set(action.principals) == {world.operator.id, world.administrator.id}
    for name in ("operator", "administrator"):
        client = browser(world, name)
        page = client.get(f"/actions/{action.pk}/").content.decode()
        assert "someone else must decide" in page
        assert 'value="approve"' not in page
        assert decide(client, action).status_code == 403
        assert str(action.pk) not in client.get("/").content.decode()
    third = browser(world, "reviewer2")
    assert "except operator and administrator, for whom it acts" in third.get(f"/actions/{action.pk}/").content.decode()
    assert decide(third, action).status_code == 302
    assert status(action) == "permitted"


def test_t38_an_agent_that_changes_hands_takes_nobody_out_of_the_chain(api: Api) -> None:
    world = api.world
    action = Action.objects.get(id=api.staged()["id"])
    api.agent.owner = world.administrator
    api.agent.save()
    world.operator.groups.add(*world.reviewer.groups.all())
    assert decide(browser(world, "operator"), action).status_code == 403
    assert status(action) == "in_review"
