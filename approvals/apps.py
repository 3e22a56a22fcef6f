"""The approvals app, the gate: actions under policy, decisions and permits."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Django's entry for the app."""

    name = "approvals"
    verbose_name = "Gate"
