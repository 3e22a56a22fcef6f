"""The gate's rows. Import them from here: which file holds which is this package's affair."""

from approvals.models.actions import Action, Decision, Permit, PolicyVersion, Revision
from approvals.models.grants import Grant, GrantUse
from approvals.models.limits import Reservation, Tally
from approvals.models.previews import PreviewRow
from approvals.models.remarks import Remark
from approvals.models.saved import SavedView
from approvals.models.trials import Hits, HitsCounted, Trial

__all__ = [
    "Action",
    "Decision",
    "Grant",
    "GrantUse",
    "Hits",
    "HitsCounted",
    "Permit",
    "PolicyVersion",
    "PreviewRow",
    "Remark",
    "Reservation",
    "Revision",
    "SavedView",
    "Tally",
    "Trial",
]
