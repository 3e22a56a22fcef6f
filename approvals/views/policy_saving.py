"""What every form that changes a policy does in the end: put the next version in force, or keep it to be tried."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.pages import PersonRequest
from approvals.facts import current_policy, document_of
from approvals.models import PolicyProposal, PolicyVersion
from approvals.policy import Policy, PolicyRefused
from approvals.reading.policies import Difference, differences
from approvals.services import trial
from approvals.services.policy import change_policy

SENT = ("follows", "why", "then")
"""Fields of every such form: the version it was made from, the reason, and what to do with it."""


def in_force(request: PersonRequest) -> tuple[PolicyVersion, Policy]:
    """The version in force and what it says; what cannot be read any more counts as nothing that can be shown."""
    version = current_policy(request.organization.pk)
    try:
        return version, document_of(version)
    except PolicyRefused:  # written by another version of the product; it lets nothing through
        return version, Policy()


def follows(form: Mapping[str, str]) -> int:
    """The number of the version that a form was made from. Raises ``BadRequest`` for what is no number."""
    text = form["follows"]
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadRequest("Say which version this follows.")
    return int(text)


def save(request: PersonRequest, settings: Mapping[str, Any], form: Mapping[str, str]) -> HttpResponse:
    """Put these settings in force, or keep them to be tried. What is looser for high-risk tools waits instead, at the
    head of the policy's page. Raises PolicyInvalid, PolicyMoved, NotAdministrator."""
    ours, after = request.organization.pk, follows(form)
    if form["then"] == "try":
        return redirect("policy_trial", pk=trial.write(ours, settings, by=request.user, follows=after).pk)
    return onward(change_policy(ours, settings, reason=form["why"], by=request.user, after=after))


def onward(made: PolicyVersion | PolicyProposal) -> HttpResponse:
    """Where a change of the policy is seen: in force, or waiting for a second administrator."""
    there = reverse("policy")
    return redirect(f"{there}#waits" if isinstance(made, PolicyProposal) else there)


def meanwhile(request: PersonRequest, after: int) -> list[Difference]:
    """What somebody else changed since this version, in words."""
    old = PolicyVersion.objects.filter(organization=request.organization, number=after).first()
    if old is None:
        return []
    try:
        return differences(document_of(old), in_force(request)[1])
    except PolicyRefused:
        return []
