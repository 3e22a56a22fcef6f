"""What an organization is called, and in which time zone its people live. Changed by its administrators, by a row."""

from typing import Final
from zoneinfo import available_timezones

from accounts.exceptions import ChangeRefused
from accounts.models import Organization, User
from accounts.standing import administering, alone, change

LONGEST_NAME: Final = 200


def name_organization(organization: Organization, name: str, *, by: User, reason: str) -> bool:
    """What an organization is called on its pages. Returns whether that is a change.

    Raises MayNotAdminister, ChangeRefused.
    """
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise ChangeRefused(
            f"name: 1 to {LONGEST_NAME} characters.", errors={"name": f"Write 1 to {LONGEST_NAME} characters."}
        )
    return _set_organization("name", organization, "name", name.strip(), by=by, reason=reason)


def set_zone(organization: Organization, zone: str, *, by: User, reason: str) -> bool:
    """Whose days an organization's people mean by "tomorrow". Returns whether that is a change.

    Raises MayNotAdminister, ChangeRefused for what is no time zone.
    """
    if zone not in available_timezones():
        wrong = "Choose one of the list, such as Europe/Vienna."
        raise ChangeRefused(f"time_zone: there is no {zone[:64]!r}.", errors={"time_zone": wrong})
    return _set_organization("zone", organization, "time_zone", zone, by=by, reason=reason)


def _set_organization(what: str, organization: Organization, field: str, after: str, *, by: User, reason: str) -> bool:
    about = ("organization", organization.pk)
    with administering("organization_set", by=by, organization=organization.pk, about=about, reason=reason) as tell:
        alone(organization.pk)
        before: str = Organization.objects.values_list(field, flat=True).get(pk=organization.pk)
        if before != after:
            tell(field=field, before=before, after=after)
            change(what, organization.pk, before=before, after=after, by=by, reason=reason)
    setattr(organization, field, after)
    return before != after
