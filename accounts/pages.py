"""The request of a signed-in member, with the rows that ``accounts.middleware`` put on it."""

from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Organization, User
from traces.pages import HTMX_NO_SWAP, HTMX_STOP_POLLING, MemberRequest, id_of, only, page

__all__ = ["HTMX_NO_SWAP", "HTMX_STOP_POLLING", "PersonRequest", "id_of", "only", "page"]


class PersonRequest(MemberRequest):
    """Who asks, and the organization of the session. Never taken from the body."""

    user: User
    organization: Organization
    membership: Membership
    htmx: HtmxDetails
