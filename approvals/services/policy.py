"""change_policy: an organization's next policy, read whole before it is in force.

No process may write the table itself: the database's own function does, and looks once more at who asks.
"""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.models import Agent, Membership, Team, User
from accounts.roles import Role
from approvals import binding
from approvals.exceptions import NotAdministrator, PolicyInvalid, PolicyMoved
from approvals.models import PolicyVersion
from approvals.policy import Policy, PolicyRefused, read_policy
from approvals.policy.document import DialException, Limit, Rule
from tools.models import Tool
from traces.ids import uuid7
from traces.services import Actor, Entry, record

LONGEST_REASON = 2_000


def change_policy(
    organization: uuid.UUID, settings: Mapping[str, Any], *, reason: str, by: User, after: int
) -> PolicyVersion:
    """Put the next version of an organization's policy in force, and return it.

    ``settings`` is the whole document, ``after`` the number of the version that it was written to follow. What is
    stored is the document with everything spelled out. Actions that were permitted under an older version are judged
    anew before they run. Raises PolicyInvalid, PolicyMoved, NotAdministrator.
    """
    member = Membership.objects.of(by).filter(organization_id=organization).first()
    if member is None or not member.has(Role.ADMINISTRATOR):
        raise NotAdministrator
    why = reason.strip()
    if not why or len(why) > LONGEST_REASON:
        raise PolicyInvalid(
            [("reason", f"say why, in at most {LONGEST_REASON} characters: it is kept with the version")]
        )
    try:
        policy = read_policy(settings)
    except PolicyRefused as refused:
        raise PolicyInvalid(refused.problems) from None
    try:
        with transaction.atomic():
            before = PolicyVersion.objects.filter(organization_id=organization).latest("number")
            if before.number != after:
                raise PolicyMoved(current=before.number, expected=after)
            version = _put(organization, policy, reason=why, by=by, after=after)
            record(
                Entry(
                    organization=organization,
                    actor=Actor("person", by.pk, by.username),
                    verb="policy_changed",
                    subject_kind="policy",
                    subject=version.pk,
                    source=str(before.number),
                    target=str(version.number),
                    reason=why,
                    detail={"changed": changed(before.settings, version.settings)},
                )
            )
    except IntegrityError:  # somebody else wrote this number in between
        raise PolicyMoved(expected=after) from None
    return version


def _put(organization: uuid.UUID, policy: Policy, *, reason: str, by: User, after: int) -> PolicyVersion:
    pk = uuid7()
    document = binding.text(policy.to_json())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT approvals_put_policy(%s, %s, %s, %s::jsonb, %s, %s)",
            [pk, organization, after, document, reason, by.pk],
        )
    return PolicyVersion.objects.select_related("made_by").get(pk=pk)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Which entries differ between two documents: `rules.big-refund`, `exposure.EUR`, `confidence`; sorted.

    A document that cannot be read any more differs in everything.
    """
    try:
        old, new = _entries(read_policy(before)), _entries(read_policy(after))
    except PolicyRefused:
        return ["everything"]
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def unmet(organization: uuid.UUID, policy: Policy) -> Iterator[tuple[str, str]]:
    """Names in a policy that mean nobody and nothing in this organization yet: path and message.

    They do not refuse it, since a tool or a team may come later; but a rule about a misspelled tool protects nothing.
    """
    tools = set(Tool.objects.filter(organization_id=organization).values_list("name", flat=True))
    teams = set(Team.objects.filter(organization_id=organization).values_list("name", flat=True))
    agents = _named(Agent.objects.filter(organization_id=organization).values_list("name", "id"))
    people = _named(Membership.objects.filter(organization_id=organization).values_list("user__username", "user_id"))
    for kind, entries in (("rules", policy.rules), ("limits", policy.limits), ("exceptions", policy.exceptions)):
        for entry in entries:
            at = f"{kind}.{entry.id}"
            for part, names, known in (
                ("tools", entry.about.tools, tools),
                ("agents", entry.about.agents, agents),
                ("initiators", entry.about.initiators, people),
                ("teams", {*entry.about.teams, *(team for team, _ in _teams(entry))}, teams),
            ):
                for name in sorted(names - known):
                    yield f"{at}.{part}", f"there is nothing called {name} here"


def _teams(entry: Rule | Limit | DialException) -> tuple[tuple[str, int], ...]:
    return entry.teams if isinstance(entry, Rule) else ()


def _named(rows: Any) -> set[str]:
    """Names and ids, either of which a policy may use."""
    return {str(word) for row in rows for word in row}


def _entries(policy: Policy) -> dict[str, Any]:
    whole = policy.to_json()
    found: dict[str, Any] = {}
    for kind in ("rules", "limits", "exceptions"):
        found |= {f"{kind}.{entry['id']}": entry for entry in whole.pop(kind)}
    found |= {f"exposure.{currency}": most for currency, most in whole.pop("exposure").items()}
    return found | whole
