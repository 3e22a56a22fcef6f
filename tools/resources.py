"""Whose the things are that calls name: a mailbox, an account, a project belongs to one organization and no other.

A contract says which of its arguments name such things (``scope_fields``); the gate looks them up here and refuses what
is not declared, which is the same answer whether the thing is somebody else's or nobody's.

An identifier is compared exactly as the arguments spell it, so there is one spelling: composed characters, nothing
invisible, no blanks around it, no two scripts in a word. What differs from a declared one only by case or width is
refused, because a person would take it for the same.
"""

import unicodedata
from typing import Final

from django.db import IntegrityError, transaction

from accounts.exceptions import ChangeRefused
from accounts.models import Organization, User
from accounts.standing import administering
from tools.contract_rules import KIND
from tools.exceptions import ResourceNotFound, ResourceTaken
from tools.models import Resource
from tools.text import odd_characters, scripts
from traces.ids import uuid7

ITSELF: Final = "organization"
"""The kind of thing that nobody declares: an organization is its own, by its slug or its id."""
LONGEST: Final = 200


def declare(organization: Organization, kind: str, identifier: str, *, by: User, reason: str) -> bool:
    """Say that a thing belongs to an organization. Returns whether that is new; twice is told of once.

    Raises MayNotAdminister; ChangeRefused for a kind or an identifier that cannot be one, or a missing reason;
    ResourceTaken, in the same words, where it is another organization's and where it may be taken for another.
    """
    resource = Resource(
        id=uuid7(), organization=organization, kind=kind, identifier=identifier, folded=folded(identifier)
    )
    about = ("resource", resource.pk)
    with administering("resource_declared", by=by, organization=organization.pk, about=about, reason=reason) as tell:
        complaint = complaint_about(kind, identifier)
        if complaint:
            raise ChangeRefused(complaint)
        new = not Resource.objects.filter(organization=organization, kind=kind, identifier=identifier).exists()
        if new:
            try:
                with transaction.atomic():
                    resource.save(force_insert=True)
            except IntegrityError:
                raise ResourceTaken from None
            tell(kind=kind, identifier=identifier)
    return new


def withdraw(organization: Organization, kind: str, identifier: str, *, by: User, reason: str) -> None:
    """Say that a thing belongs to the organization no more: from the commit on, calls that name it are refused.

    Raises MayNotAdminister, ChangeRefused without a reason, ResourceNotFound for what is missing or another's, alike.
    """
    theirs = Resource.objects.filter(organization=organization, kind=kind, identifier=identifier)
    about = ("resource", getattr(theirs.first(), "pk", organization.pk))
    with administering("resource_withdrawn", by=by, organization=organization.pk, about=about, reason=reason) as tell:
        if not theirs.delete()[0]:
            raise ResourceNotFound
        tell(kind=kind, identifier=identifier)


def folded(identifier: str) -> str:
    """Equal for identifiers that differ by case or width only."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", identifier).casefold())


def complaint_about(kind: str, identifier: str) -> str:
    """Why nothing of this kind can be called so; empty when it can."""
    if not KIND.match(kind) or kind == ITSELF:
        return "kind: must be 1 to 32 of a-z, 0-9 and _, beginning with a letter, and not organization."
    if not identifier or len(identifier) > LONGEST:
        return f"identifier: must have 1 to {LONGEST} characters."
    odd = next(odd_characters(identifier), None)
    if odd is not None:
        return f"identifier: holds {odd.code} ({odd.name}) at character {odd.place + 1}."
    if identifier != identifier.strip() or identifier != unicodedata.normalize("NFKC", identifier):
        return "identifier: has blanks around it, or characters that have a plainer form."
    mixed = scripts(identifier)
    return f"identifier: mixes {' and '.join(mixed)} in one word." if mixed else ""
