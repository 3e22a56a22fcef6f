"""How freely a tool acts, changed in one place: by the pages, the command line, and by itself where it has to be lower.

Lowering is done at once, by whoever may configure or stop the tool. Making it freer takes the right to configure it, a
reason, and, where it leaves the loop, a readiness list that is met (``tools.readiness``); for a high-risk tool it
waits as a proposal until a second person agrees. Going back to earlier settings is a change like any other.

A change is a row of ``tools_dialchange``: the database sets the tool when the row is written, and asks again whoever
wrote it, so that no account of a process can set a tool in any other way.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from accounts.actors import person
from accounts.models import Membership, User
from tools import freedom
from tools.changes import BECAUSE, DialChange, DialProposal
from tools.contract import Contract
from tools.dial_rows import attempt, changed, close, entry, fresh, proposed, waiting
from tools.exceptions import DialMoved, DialRefused, MayNotSet, NotReady, SecondOpinionNeeded
from tools.kinds import Maturity
from tools.models import Tool
from tools.queries import holds
from tools.readiness import Item, readiness, subject_of
from traces.services import Actor, record

SETUP: Final = Actor.system("setup")
LONGEST_REASON: Final = 2_000


def set_dial(tool: Tool, changes: Mapping[str, Any], *, by: User, reason: str) -> DialChange | DialProposal | None:
    """Change a tool's settings in somebody's name: the change, the proposal that waits for a second person, or None
    where it is set so already.

    ``changes`` are settings by name (``tools.freedom.SETTINGS``); ``owner`` is the id of a person. Raises DialRefused,
    MayNotSet, NotReady with the items that are missing, and DialMoved where somebody was first.
    """
    with attempt("tool_set", tool, by):
        return _person_sets(fresh(tool), changes, by, reason)


def return_to(tool: Tool, number: int, *, by: User, reason: str) -> DialChange | DialProposal | None:
    """Set a tool as it was before its change of this number: a change like any other, judged as things stand now.

    Raises what ``set_dial`` raises, and DialRefused for a number that the tool has not had.
    """
    with attempt("tool_set", tool, by):
        now = fresh(tool)
        then = DialChange.objects.filter(tool=now, number=number).first()
        if then is None:
            raise DialRefused(f"number: {tool.name} has had no change {number}.")
        return _person_sets(now, then.before, by, reason, returns_to=number)


def accept(proposal: uuid.UUID, *, organization: uuid.UUID, by: User, reason: str = "") -> DialChange:
    """Agree, as a second person, to a change that makes a high-risk tool freer. It is judged anew, and made.

    Raises ProposalNotFound, SecondOpinionNeeded for whoever proposed it, MayNotSet, NotReady, and DialMoved where the
    tool was changed since.
    """
    found = waiting(proposal, organization)
    with attempt("tool_set_accepted", found.tool, by):
        tool = fresh(found.tool)
        if found.by_id == by.pk:
            raise SecondOpinionNeeded
        if not holds(by.pk, tool.pk, "configure_tool"):
            raise MayNotSet
        if freedom.of(tool) != found.before:
            raise DialMoved
        _ready(tool, found.after)
        close(found, DialProposal.Status.ACCEPTED, by, reason)
        return changed(
            tool, found.after, DialChange.Kind.PERSON, person(by), found.reason, by=found.by, second=by, proposal=found
        )


def withdraw(proposal: uuid.UUID, *, organization: uuid.UUID, by: User, reason: str) -> None:
    """Close a proposal without making the change: by whoever proposed it, or may configure or stop the tool.

    Raises ProposalNotFound, MayNotSet, DialRefused without a reason.
    """
    found = waiting(proposal, organization)
    with attempt("tool_set_withdrawn", found.tool, by):
        tool = fresh(found.tool)
        if found.by_id != by.pk and not _may_lower(by, tool):
            raise MayNotSet
        if not reason.strip():
            raise DialRefused("reason: say why.", field="reason", errors={"reason": "Say why."})
        close(found, DialProposal.Status.WITHDRAWN, by, reason)
        record(entry(tool, "tool_set_withdrawn", person(by), reason, {"name": tool.name, "proposed": found.reason}))


def set_up(tool: Tool, changes: Mapping[str, Any], *, reason: str) -> DialChange | None:
    """Change a tool's settings as whoever runs the installation, who is one person: never freer where two are needed.

    As the owner account alone. Raises DialRefused, NotReady, SecondOpinionNeeded.
    """
    with transaction.atomic():
        now = fresh(tool)
        after = _judged(now, changes)
        if after == freedom.of(now):
            return None
        if freedom.freer(freedom.of(now), after):
            if not reason.strip():
                raise _say_why(now, after)
            if freedom.grave(now.tier, _contract(now)):
                raise SecondOpinionNeeded
            _ready(now, after)
        return changed(now, after, DialChange.Kind.SETUP, SETUP, reason.strip() or "Made stricter.")


def lower(tool: Tool, *, because: str, reason: str = "", to: str = Maturity.IN_THE_LOOP.value) -> DialChange | None:
    """Turn a tool down by itself: after an audited error bound, a drift alarm, a harm finding, or a new version.

    ``because`` is a word of ``tools.changes.BECAUSE``. Returns None where it is as low already. It is never raised
    again by itself. Raises ValueError for an unknown word.
    """
    if because not in BECAUSE:
        raise ValueError(f"nothing is lowered because of {because!r}")
    with transaction.atomic():
        now = fresh(tool)
        before = freedom.of(now)
        if freedom.maturity_rank(before["maturity"]) <= freedom.maturity_rank(to):
            return None
        actor = Actor.system(because)
        why = reason.strip() or BECAUSE[because]
        return changed(now, {**before, "maturity": to}, DialChange.Kind.AUTOMATIC, actor, why, because=because)


def missing_for(tool: Tool, after: freedom.Settings) -> list[Item]:
    """What keeps a tool from being set so; nothing where that makes it no freer, or keeps it in the loop."""
    if not freedom.freer(freedom.of(tool), after):
        return []
    found = readiness(tool.organization_id, [subject_of(tool, after)])
    return found[tool.pk].missing(after["maturity"])


def _person_sets(
    tool: Tool, changes: Mapping[str, Any], by: User, reason: str, *, returns_to: int | None = None
) -> DialChange | DialProposal | None:
    before, after = freedom.of(tool), _judged(tool, changes)
    if after == before:
        return None
    freer = freedom.freer(before, after)
    narrows = not freer and before["owner"] == after["owner"]
    if not (_may_lower(by, tool) if narrows else holds(by.pk, tool.pk, "configure_tool")):
        raise MayNotSet
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise _say_why(tool, after)
    if freer:
        _ready(tool, after)
        if freedom.grave(tool.tier, _contract(tool)):
            return proposed(tool, before, after, by, reason.strip(), returns_to)
    return changed(tool, after, DialChange.Kind.PERSON, person(by), reason.strip(), by=by, returns_to=returns_to)


def _judged(tool: Tool, changes: Mapping[str, Any]) -> dict[str, Any]:
    """All the settings as they would be. Raises DialRefused."""
    unknown = sorted(set(changes) - set(freedom.SETTINGS))
    if unknown:
        raise DialRefused(f"There is no setting {unknown[0]}.", field=unknown[0])
    after = {**freedom.of(tool), **changes}
    problem = freedom.problem_of(after, _contract(tool))
    if problem:
        raise DialRefused(f"{problem[0]}: {problem[1]}.", field=problem[0], errors={problem[0]: problem[1]})
    owner = after["owner"]
    if owner and owner != freedom.of(tool)["owner"] and not _belongs(owner, tool):
        raise DialRefused("owner: there is nobody of that name here.", field="owner")
    return after


def _belongs(user: str, tool: Tool) -> bool:
    return Membership.objects.filter(user_id=user, user__is_active=True, organization_id=tool.organization_id).exists()


def _ready(tool: Tool, after: freedom.Settings) -> None:
    missing = missing_for(tool, after)
    if missing:
        raise NotReady(
            f"{tool.name} is not ready to act more freely: "
            + "; ".join(f"{item.name.lower()} ({item.evidence[0].lower()}{item.evidence[1:]})" for item in missing)
            + ".",
            missing=[{"key": item.key, "name": item.name, "evidence": item.evidence} for item in missing],
        )


def _say_why(tool: Tool, after: freedom.Settings) -> DialRefused:
    freer = ", ".join(freedom.freer(freedom.of(tool), after))
    text = f"{freer} would make {tool.name} freer; say why" if freer else "say why"
    return DialRefused(f"reason: {text}.", field="reason", errors={"reason": "Say why."})


def _may_lower(by: User, tool: Tool) -> bool:
    return holds(by.pk, tool.pk, "configure_tool") or holds(by.pk, tool.pk, "stop_tool")


def _contract(tool: Tool) -> Contract | None:
    return Contract.from_json(tool.version.contract) if tool.version else None
