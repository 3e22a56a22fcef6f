"""What an action takes back, and by what one was taken back, for the card."""

from django import template

from approvals.models import Action
from approvals.states import ActionStatus

register = template.Library()


@register.simple_tag
def takes_back(action: Action) -> Action | None:
    """The effect that this action is to undo. Reads a row only for a compensation."""
    return Action.objects.filter(id=action.undo_of).first() if action.undo_of else None


@register.simple_tag
def taken_back_by(action: Action) -> Action | None:
    """The compensation that undid this action. Reads a row only for what is undone."""
    if action.status != ActionStatus.UNDONE:
        return None
    return Action.objects.filter(undo_of=action.id, status=ActionStatus.DONE).first()
