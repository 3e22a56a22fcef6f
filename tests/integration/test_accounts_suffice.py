"""Each process has the rights for its own part of the road and no others: the road walked as web and as worker."""

import pytest
from django.db import ProgrammingError

from approvals.models import Action
from approvals.services.approve import approve
from approvals.services.expire import expire
from approvals.services.halt import halt
from approvals.services.leave import leave
from approvals.services.reject import reject
from approvals.services.verdict import happened
from approvals.tasks import execute_permitted, sign_permits
from lam_app.runs import cancel
from lam_app.sweep import sweep
from tests.support import tools as odd
from tests.support.racing import acting_as
from tests.support.sql import NO_RIGHT, refusal, speaking_as
from tests.support.stops import lift
from tests.support.voting import just_now
from tests.support.world import World, approved
from tools import presence
from tools.killswitch import engage, settle_quiet
from tools.models import Execution, OutboxMessage
from traces.models import Event


@pytest.fixture(autouse=True)
def presence_of_its_own():
    """Whoever is present was so under another account."""
    presence.leave()
    yield
    presence.leave()


def test_the_road_is_walked_by_the_accounts_of_the_product(world: World) -> None:
    odd.reset()
    odd.ORDERS.append("break_after")
    asked = {"organization": world.organization.id}
    with acting_as("web", world.organization.id):
        run = world.run()
    with acting_as("worker"):
        sent, doubtful, refused, gone = (
            world.staged(run=run.id),
            world.staged("odd_neither", {"text": "once"}),
            world.staged(),
            world.staged(run=run.id, step=2),
        )
    with acting_as("web", world.organization.id):
        for action in (sent, doubtful):
            approve(actor=world.reviewer, action_id=action.id, digest=action.digest, signed_in_at=just_now(), **asked)
        reject(actor=world.reviewer, action_id=refused.id, digest=refused.digest, reason="No.", **asked)
        with pytest.raises(Exception, match="moved on"):
            approve(actor=world.reviewer2, action_id=refused.id, digest=refused.digest, **asked)
    with acting_as("worker"):
        assert sign_permits() == 2
        assert execute_permitted() == 2
        presence.leave()
    with acting_as("web", world.organization.id):
        happened(
            actor=world.reviewer, action_id=doubtful.id, digest=doubtful.digest, reason="I looked.",
            signed_in_at=just_now(), **asked,
        )  # fmt: skip
        cancel(actor=world.operator, run_id=run.id, **asked)
        switch = engage(actor=world.reviewer, scope="organization", target=None, reason="wait", **asked)
    with acting_as("worker"):
        sweep()
        for verb in (expire, halt, leave, settle_quiet):
            verb()
    with acting_as("web", world.organization.id):
        lift(actor=world.reviewer2, switch_id=switch.id, **asked)
    statuses = [Action.objects.get(id=a.id).status for a in (sent, doubtful, refused, gone)]
    assert statuses == ["done", "done", "rejected", "withdrawn"]
    assert OutboxMessage.objects.count() == 1
    assert Event.objects.filter(verb="refused").count() == 1
    switch.refresh_from_db()
    assert switch.quiet_at is not None


def test_the_web_cannot_sign_claim_or_act_and_a_worker_cannot_decide_or_stop(world: World) -> None:
    action, other = world.staged(), world.staged()
    approved(world, action)
    with acting_as("web", world.organization.id), pytest.raises(ProgrammingError, match="permission denied"):
        sign_permits()
    sign_permits()
    presence.present("executor")
    with acting_as("web", world.organization.id), pytest.raises(ProgrammingError, match="permission denied"):
        execute_permitted()
    with acting_as("worker"), pytest.raises(ProgrammingError, match="permission denied"):
        approved(world, other)
    with acting_as("worker"), pytest.raises(ProgrammingError, match="permission denied"):
        engage(
            actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="wait"
        )
    assert Action.objects.get(id=other.id).status == "in_review"
    assert not Execution.objects.exists()


def test_no_account_of_the_product_reads_or_writes_what_is_not_its_own(world: World) -> None:
    forbidden = {
        "worker": [
            "SELECT password FROM accounts_user",
            "SELECT * FROM django_session",
            "INSERT INTO approvals_decision DEFAULT VALUES",
            "UPDATE tools_tool SET maturity = 'audit_only'",
            "UPDATE accounts_user SET is_active = true",
            "INSERT INTO tools_tooluserobjectpermission DEFAULT VALUES",
        ],
        "web": [
            "INSERT INTO approvals_permit DEFAULT VALUES",
            "INSERT INTO tools_execution DEFAULT VALUES",
            "INSERT INTO tools_outboxmessage DEFAULT VALUES",
            "INSERT INTO lam_app_report DEFAULT VALUES",
            "UPDATE accounts_user SET is_superuser = true",
            "UPDATE accounts_membership SET roles = '{administrator}'",
            "INSERT INTO accounts_user_groups DEFAULT VALUES",
            "UPDATE tools_tool SET enabled = true",
            "INSERT INTO approvals_policyversion DEFAULT VALUES",
            "CREATE TABLE mine (id int)",
        ],
    }
    for account, attempts in forbidden.items():
        with speaking_as(account) as speaking:
            for attempt in attempts:
                assert refusal(speaking, attempt)[0] == NO_RIGHT, (account, attempt)
