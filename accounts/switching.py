"""People who are deactivated and reactivated, or signed out by somebody else. By another administrator, with a reason.

What is done here is a row of ``accounts_standingchange``, like every other change of what people are: the database does
it, ends every session of whoever is switched off, and lets two administrators never switch each other off at once.
"""

from accounts.exceptions import NotOneself, UsedElsewhere
from accounts.models import Membership, SignIn, User
from accounts.standing import administering, alone, change


def switch_off(of: Membership, *, by: User, reason: str) -> bool:
    """Deactivate a person: they are signed out everywhere, cannot sign in, and nothing of theirs counts.

    Returns whether that is a change.

    Raises MayNotAdminister, NotOneself, ChangeRefused without a reason, UsedElsewhere. So there is always an
    administrator left: the one who does it.
    """
    return _switch("off", of, by=by, reason=reason)


def switch_on(of: Membership, *, by: User, reason: str) -> bool:
    """Let a deactivated person sign in again; no session of before comes back. Returns whether that is a change.

    Raises what ``switch_off`` raises.
    """
    return _switch("on", of, by=by, reason=reason)


def end_sessions(of: Membership, *, by: User, reason: str) -> int:
    """Sign a person out everywhere in this organization. Returns how many browsers that were.

    Raises MayNotAdminister, NotOneself (one's own sessions are ended elsewhere), ChangeRefused without a reason.
    """
    about = ("member", of.pk)
    with administering("sessions_ended", by=by, organization=of.organization_id, about=about, reason=reason) as tell:
        if of.user_id == by.pk:
            raise NotOneself
        alone(of.organization_id)
        open_ones = SignIn.objects.filter(user=of.user_id, organization=of.organization_id, ended_at=None)
        number = len(open_ones.values_list("pk"))
        if number:
            tell(number=number, user=of.user.username)
            change("end", of.organization_id, member=of, before=str(number), by=by, reason=reason)
    return number


def _switch(what: str, of: Membership, *, by: User, reason: str) -> bool:
    verb, about = f"person_switched_{what}", ("member", of.pk)
    with administering(verb, by=by, organization=of.organization_id, about=about, reason=reason) as tell:
        if of.user_id == by.pk:
            raise NotOneself
        alone(of.organization_id)
        if Membership.objects.filter(user=of.user_id).exclude(organization=of.organization_id).exists():
            raise UsedElsewhere
        active = User.objects.values_list("is_active", flat=True).get(pk=of.user_id)
        changes = active == (what == "off")
        if changes:
            tell(user=of.user.username)
            change(what, of.organization_id, member=of, by=by, reason=reason)
    return changes
