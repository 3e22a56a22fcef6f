"""The approvals app: the gate: actions under policy, decisions and permits."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """the gate: actions under policy, decisions and permits."""

    name = "approvals"
    verbose_name = "Gate"
