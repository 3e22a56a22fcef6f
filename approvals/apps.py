"""The approvals app, the gate: actions under policy, decisions and permits."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Django's entry for the app."""

    name = "approvals"
    verbose_name = "Gate"

    def ready(self) -> None:
        """Answer what the hands ask of the gate before a tool may act more freely."""
        from approvals.reading import readiness as known
        from tools import evidence, readiness

        readiness.answers("limits", known.limits)
        readiness.answers("approvers", known.approvers)
        evidence.answers(known.came_of)
