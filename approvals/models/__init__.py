"""The gate's rows. Import them from here: which file holds which is this package's affair."""

from approvals.models.actions import Action, Decision, Permit, PolicyVersion, Revision
from approvals.models.canaries import Canary, CanaryPlan, CanaryTemplate
from approvals.models.escalations import Escalation
from approvals.models.grants import Grant, GrantUse
from approvals.models.limits import Reservation, Tally
from approvals.models.notices import (
    Channel,
    Delivery,
    Notice,
    NoticeAddress,
    NoticeRoute,
    Occasion,
    WebhookKey,
)
from approvals.models.previews import PreviewRow
from approvals.models.remarks import Remark
from approvals.models.saved import SavedView
from approvals.models.second_look import PolicyProposal
from approvals.models.trials import Hits, HitsCounted, Trial

__all__ = [
    "Action",
    "Canary",
    "CanaryPlan",
    "CanaryTemplate",
    "Channel",
    "Decision",
    "Delivery",
    "Escalation",
    "Grant",
    "GrantUse",
    "Hits",
    "HitsCounted",
    "Notice",
    "NoticeAddress",
    "NoticeRoute",
    "Occasion",
    "Permit",
    "PolicyProposal",
    "PolicyVersion",
    "PreviewRow",
    "Remark",
    "Reservation",
    "Revision",
    "SavedView",
    "Tally",
    "Trial",
    "WebhookKey",
]
