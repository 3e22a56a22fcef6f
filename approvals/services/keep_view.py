"""keep_view, forget_view: a person's own names for addresses of the inbox."""

import uuid

from django.db import IntegrityError, transaction

from accounts.models import Organization, User
from approvals.exceptions import NoSuchView, ViewRefused
from approvals.models import SavedView
from traces.clock import now
from traces.text import storable

LONGEST_NAME, LONGEST_QUERY, MOST = 40, 600, 20
"""Characters of a name and of a query, and how many views one person keeps."""


def keep_view(*, owner: User, organization: Organization, name: str, query: str) -> SavedView:
    """Keep a view under a name. Raises ViewRefused for a name that is missing, too long or taken, or one too many."""
    name = " ".join(storable(name).split())
    if not name:
        raise ViewRefused("A view needs a name.")
    if len(name) > LONGEST_NAME:
        raise ViewRefused(f"A name has at most {LONGEST_NAME} characters.")
    if len(query) > LONGEST_QUERY:
        raise ViewRefused("This view says more than can be kept.")
    if SavedView.objects.of(owner, organization).count() >= MOST:
        raise ViewRefused(f"You keep {MOST} views already. Forget one first.")
    try:
        with transaction.atomic():
            return SavedView.objects.create(owner=owner, organization=organization, name=name, query=query)
    except IntegrityError as taken:
        raise ViewRefused(f"You already keep a view called “{name}”.") from taken


def forget_view(*, owner: User, organization: Organization, view_id: uuid.UUID) -> None:
    """Keep a view no longer. Raises NoSuchView for one that is missing or somebody else's, alike."""
    if not SavedView.objects.of(owner, organization).filter(pk=view_id).update(forgotten_at=now()):
        raise NoSuchView
