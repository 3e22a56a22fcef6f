"""What a person can be in an organization, and how far a tool may reach for them."""

from django.db.models import TextChoices


class Role(TextChoices):
    """A person's part in an organization; one person may have several."""

    OPERATOR = "operator"  # submits goals
    REVIEWER = "reviewer"  # decides on staged actions
    ADMINISTRATOR = "administrator"  # sets how freely tools may act
    AUDITOR = "auditor"  # reads what happened and samples it
    DEVELOPER = "developer"  # reads what the model saw


class TierLevel(TextChoices):
    """How deep a call reaches, mildest first. *approve* is no tier: it is never an agent's."""

    READ = "read"
    DRAFT = "draft"
    WRITE = "write"
    DELETE = "delete"
    ADMIN = "admin"
