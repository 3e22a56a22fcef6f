"""A change of the policy that waits for a second administrator, as the policy's page shows it. Reads."""

import uuid
from dataclasses import dataclass

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import PolicyProposal, PolicyVersion
from approvals.policy import Policy, PolicyRefused, read_policy
from approvals.reading.policies import BOUNDS, KINDS, Difference, differences


@dataclass(frozen=True)
class Waiting:
    """One change: who asked for it and why, what differs, and what of that lets go of high-risk tools."""

    row: PolicyProposal
    differences: list[Difference]
    looser: list[str]
    stale: bool
    """Whether another version came in between, so that nobody can agree to it any more."""
    alone: bool
    """Whether whoever asked is the only administrator, so that nobody is there to agree."""


def waiting(organization: uuid.UUID, current: PolicyVersion, document: Policy) -> Waiting | None:
    """The change that waits in this organization; None where there is none."""
    row = PolicyProposal.objects.filter(organization_id=organization, status=PolicyProposal.Status.OPEN)
    found = row.select_related("by").first()
    if found is None:
        return None
    try:
        differs = differences(document, read_policy(found.settings))
    except PolicyRefused:  # written by another version of the product
        differs = []
    others = Membership.objects.filter(
        organization_id=organization, user__is_active=True, roles__contains=[Role.ADMINISTRATOR.value]
    ).exclude(user=found.by_id)
    return Waiting(
        row=found,
        differences=differs,
        looser=[named(path) for path in found.looser],
        stale=found.follows != current.number,
        alone=not others.exists(),
    )


def named(path: str) -> str:
    """What a path in the document is called on pages: `rules.big-refund` is `Rule big-refund`."""
    kind, _, rest = path.partition(".")
    if kind in KINDS:
        return f"{KINDS[kind]} {rest}"
    if kind == "exposure":
        return f"What a day may move, in {rest}"
    return BOUNDS[path][0] if path in BOUNDS else "The whole policy"
