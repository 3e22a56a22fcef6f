"""The pages of webhooks: a secret is shown on one answer, and whose it is decides who may have another."""

from __future__ import annotations

import re

import pytest

from lam_app.exceptions import GoalRefused, HookEnded, HookNotFound, MayNotSubmit
from lam_app.hooks import MOST, end, make_hook, renew
from lam_app.models import Hook
from tests.support.signing import GOAL, delivered, hook_of
from tests.support.voting import signed_in
from tests.support.world import World
from traces.models import Event


def secret_in(page: bytes) -> str:
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", page.decode().split("How a program signs")[0])
    return found[0] if found else ""


def test_a_secret_is_shown_once_and_opens_the_address_that_is_shown_with_it(world: World) -> None:
    operator = signed_in(world, "operator")
    made = operator.post("/runs/hooks/", {"name": "shop", "goal": GOAL})
    hook = Hook.objects.get()
    secret = secret_in(made.content)
    assert f"/hooks/{hook.pk}/" in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert delivered(hook, secret, b"{}").status_code == 202
    page = operator.get("/runs/hooks/").content
    assert secret_in(page) == ""
    assert "Message of" in page.decode()


def test_another_secret_and_the_end_are_asked_for_on_the_page(world: World) -> None:
    hook, secret = hook_of(world)
    operator = signed_in(world, "operator")
    fresh = secret_in(operator.post(f"/runs/hooks/{hook.pk}/", {"what": "renew"}).content)
    assert fresh not in {"", secret}
    assert operator.post(f"/runs/hooks/{hook.pk}/", {"what": "end"}).status_code == 302
    assert operator.post(f"/runs/hooks/{hook.pk}/", {"what": "end"}).status_code == 409
    assert operator.post(f"/runs/hooks/{hook.pk}/", {"what": "sign"}).status_code == 400
    verbs = list(Event.objects.filter(subject=hook.pk).order_by("id").values_list("verb", flat=True))
    assert verbs == ["hook_made", "hook_renewed", "hook_ended"]


def test_an_administrator_may_end_anybodys_and_sees_nobodys_secret(world: World) -> None:
    hook, _ = hook_of(world)
    administrator = signed_in(world, "administrator")
    assert "shop" in administrator.get("/runs/hooks/").content.decode()
    assert administrator.post(f"/runs/hooks/{hook.pk}/", {"what": "renew"}).status_code == 403
    assert administrator.post(f"/runs/hooks/{hook.pk}/", {"what": "end"}).status_code == 302


@pytest.mark.parametrize("name", ["reviewer", "outsider"])
def test_for_everybody_else_it_is_nowhere(world: World, name: str) -> None:
    hook, _ = hook_of(world)
    assert signed_in(world, name).post(f"/runs/hooks/{hook.pk}/", {"what": "end"}).status_code == 404
    with pytest.raises(HookNotFound):
        renew(actor=world.people[name], organization=world.elsewhere.id, hook=hook.pk)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "goal": GOAL}, "Say what is wanted."),
        ({"name": "shop", "goal": "  "}, "Say what is wanted."),
        ({"name": "two\nlines", "goal": GOAL}, "A name is one line."),
        ({"name": "s" * 61, "goal": GOAL}, "60 are the most"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(world: World, form: dict[str, str], said: str) -> None:
    answer = signed_in(world, "operator").post("/runs/hooks/", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Hook.objects.exists()


def test_only_who_may_give_goals_may_have_one_and_so_many(world: World) -> None:
    for name in ("reviewer", "administrator"):
        with pytest.raises(MayNotSubmit):
            hook_of(world, by=name)
    for _ in range(MOST):
        hook, _ = hook_of(world)
    with pytest.raises(GoalRefused, match="20 webhooks are the most"):
        hook_of(world)
    end(actor=world.operator, organization=world.organization.id, hook=hook.pk)
    with pytest.raises(HookEnded):
        renew(actor=world.operator, organization=world.organization.id, hook=hook.pk)
    assert make_hook(actor=world.operator, organization=world.organization.id, name="shop", goal=GOAL)
