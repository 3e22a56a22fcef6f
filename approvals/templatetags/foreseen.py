"""What a tool said beforehand, for the card."""

from django import template

from approvals.models import Revision
from approvals.reading import foreseen as shown

register = template.Library()


@register.simple_tag
def foreseen(revision: Revision) -> shown.Foreseen | None:
    """What was known beforehand when this revision was judged."""
    return shown.foreseen(revision)


@register.filter
def named(told: shown.Foreseen | None, path: str) -> str:
    """The name behind the identifier at this path; empty where none was asked for."""
    return told.names.get(path, "") if told else ""
