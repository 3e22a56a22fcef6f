"""change_policy: an organization's next policy, read whole before it is in force.

No process may write the table itself: the database's own function does, and looks once more at who asks. A policy that
lets go of what guards high-risk tools waits for a second administrator first (``approvals.services.second_look``).
"""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Agent, Membership, Team, User
from accounts.roles import Role
from approvals.exceptions import NotAdministrator, PolicyInvalid, PolicyMoved
from approvals.models import PolicyProposal, PolicyVersion
from approvals.policy import Policy, PolicyRefused, read_policy
from approvals.services.second_look import LONGEST_REASON, looser, proposed, put
from tools.models import Tool
from traces.ids import uuid7
from traces.services import Actor, Entry, record

SAY_WHY = f"say why, in at most {LONGEST_REASON} characters: it is kept with the version"


def change_policy(
    organization: uuid.UUID, settings: Mapping[str, Any], *, reason: str, by: User, after: int
) -> PolicyVersion | PolicyProposal:
    """Put the next version of an organization's policy in force, and return it; or the proposal that waits for a second
    administrator, where the policy is looser for high-risk tools.

    ``settings`` is the whole document, ``after`` the number of the version that it was written to follow. What is
    stored is the document with everything spelled out. Actions that were permitted under an older version are judged
    anew before they run. Raises PolicyInvalid, NotAdministrator, PolicyMoved, and PolicyWaits where a proposal waits.
    """
    if not Membership.objects.holds(by, organization, Role.ADMINISTRATOR):
        raise NotAdministrator
    why, problems = reason.strip(), problems_of(settings, reason)
    if problems:
        raise PolicyInvalid(problems)
    document = read_policy(settings).to_json()
    try:
        with transaction.atomic():
            before = PolicyVersion.objects.filter(organization_id=organization).latest("number")
            if before.number != after:
                raise PolicyMoved(current=before.number, expected=after)
            lets_go = looser(organization, before.settings, document)
            if lets_go:
                return proposed(organization, document, reason=why, by=by, after=after, lets_go=lets_go)
            pk = uuid7()
            put(pk, organization, document, reason=why, by=by, after=after)
            version = PolicyVersion.objects.select_related("made_by").get(pk=pk)
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


def problems_of(settings: Mapping[str, Any], reason: str) -> list[tuple[str, str]]:
    """Everything that keeps these settings from being put in force for this reason, together: path and message."""
    found = [] if 1 <= len(reason.strip()) <= LONGEST_REASON else [("reason", SAY_WHY)]
    try:
        read_policy(settings)
    except PolicyRefused as refused:
        return [*refused.problems, *found]
    return found


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
    known = _known(organization)
    whole = policy.to_json()
    for kind in ("rules", "limits", "exceptions"):
        for entry in whole[kind]:
            for path, said in _strangers(entry, known):
                yield f"{kind}.{entry['id']}.{path.removeprefix('about.')}", said


def strangers(organization: uuid.UUID, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same for one entry as a form wrote it, fit or not, with each name's path inside the entry."""
    return list(_strangers(entry, _known(organization)))


def _known(organization: uuid.UUID) -> dict[str, set[str]]:
    people = Membership.objects.filter(organization_id=organization).values_list("user__username", "user_id")
    return {
        "tools": set(Tool.objects.filter(organization_id=organization).values_list("name", flat=True)),
        "agents": _named(Agent.objects.filter(organization_id=organization).values_list("name", "id")),
        "initiators": _named(people),
        "teams": set(Team.objects.filter(organization_id=organization).values_list("name", flat=True)),
    }


def _strangers(entry: Mapping[str, Any], known: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    about = entry["about"]
    named = {f"about.{part}": (part, about.get(part, ())) for part in known}
    named["teams"] = ("teams", entry.get("teams", ()))
    named["escalation"] = ("teams", [step["team"] for step in entry.get("escalation", ())])
    for path, (part, names) in named.items():
        for name in sorted(set(names) - known[part]):
            yield path, f"there is nothing called {name} here"


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
