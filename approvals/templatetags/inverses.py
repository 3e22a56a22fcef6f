"""When a tool's inverse was last proven, for the tool's page."""

from django import template

from approvals.reading.inverses import Inverse, inverses
from tools.models import Tool

register = template.Library()


@register.simple_tag
def inverse_of(tool: Tool) -> Inverse | None:
    """What is known of how this tool's effects are taken back; None where nothing takes them back. Two queries."""
    return next((one for one in inverses(tool.organization_id) if one.tool.pk == tool.pk), None)
