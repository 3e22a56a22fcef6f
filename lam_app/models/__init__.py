"""The mind's rows: runs with steps, plans and reports, what is attached to goals, and what gives goals by itself."""

from lam_app.models.erasing import Erasure
from lam_app.models.hooks import Delivery, Hook
from lam_app.models.inputs import Attachment, Content
from lam_app.models.runs import Report, Run, RunPlan, RunQuerySet, Step
from lam_app.models.schedules import Firing, Schedule

__all__ = [
    "Attachment",
    "Content",
    "Delivery",
    "Erasure",
    "Firing",
    "Hook",
    "Report",
    "Run",
    "RunPlan",
    "RunQuerySet",
    "Schedule",
    "Step",
]
