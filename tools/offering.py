"""The door to the catalogue: a contract becomes a tool of an organization, or the next version. As the owner role."""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from django.contrib.auth.models import Permission

from accounts.models import Agent, Organization, Team
from tools import registry
from tools.contract import Contract
from tools.dial import SETUP, lower
from tools.exceptions import LookAlike
from tools.models import AgentTool, Tool, ToolGroupObjectPermission, ToolVersion
from tools.text import skeleton
from traces.services import Entry, record

DEFAULT_RIGHTS: Final[Mapping[str, tuple[str, ...]]] = {
    "operators": ("use_tool",),
    "reviewers": ("review_tool", "stop_tool"),
    "administrators": ("configure_tool", "stop_tool"),
    "auditors": ("audit_tool",),
}
"""What each team may do with a tool that is new; from then on it is the administrators' to grant and take."""
logger = logging.getLogger(__name__)


def offer_installed_tools(organization: Organization, *, leave_out: Collection[str] = ()) -> None:
    """Every installed Python tool in the catalogue, in the loop; a changed contract becomes the next version.

    Tools named in ``leave_out`` are not offered here. A name that an imported tool holds stays that tool's: whichever
    came first is what people have looked at, and neither takes the other's place unasked.
    """
    theirs = set(
        Tool.objects.filter(organization=organization, version__isnull=False)
        .exclude(version__contract__connector="python")
        .values_list("name", flat=True)
    )
    for contract in registry.contracts():
        if contract.name in theirs:
            logger.warning("%s has an imported %s; the installed one is left out", organization.slug, contract.name)
        elif contract.name not in leave_out:
            offer(organization, contract)


def offer(organization: Organization, contract: Contract) -> Tool:
    """Put a tool into an organization's catalogue, or its new version on offer.

    Raises ContractRefused for a contract that does not hold, LookAlike for a name that people may take for another's.

    New tools start in the loop: usable by the organization's operators and its built-in agent, reviewable by its
    reviewers, and so on as ``DEFAULT_RIGHTS`` says.
    """
    contract.validate()
    for other in (
        Tool.objects.filter(organization=organization).exclude(name=contract.name).values_list("name", flat=True)
    ):
        if skeleton(other) == skeleton(contract.name):
            raise LookAlike(f"{contract.name} may be taken for {other}, which is in the catalogue.", name=other)
    tool, new = Tool.objects.get_or_create(
        organization=organization, name=contract.name, defaults={"tier": contract.tier.value}
    )
    current = tool.version
    if current is None or current.hash != contract.version_hash() or current.contract != contract.to_json():
        number = (current.number if current else 0) + 1
        tool.version = ToolVersion.objects.create(
            organization=organization,
            tool=tool,
            number=number,
            hash=contract.version_hash(),
            contract=contract.to_json(),
        )
        tool.save(update_fields=["version"])
        if current is not None and current.hash != tool.version.hash:
            # Trust was given to what the tool was; what it has become starts again.
            lower(tool, because="changed")
            tool.refresh_from_db(fields=["maturity"])
        record(
            Entry(
                organization=organization.id,
                actor=SETUP,
                verb="tool_version",
                subject_kind="tool",
                subject=tool.id,
                detail={"name": tool.name, "number": number, "hash": tool.version.hash},
            )
        )
    if new:
        grant_defaults(Team.objects.filter(organization=organization), [tool])
        agent = Agent.objects.filter(organization=organization, builtin=True).first()
        if agent is not None:
            AgentTool.objects.get_or_create(agent=agent, tool=tool)
    return tool


def grant_defaults(teams: Iterable[Team], tools: Iterable[Tool]) -> None:
    """Give teams what they begin with on these tools: three statements, however many there are."""
    permissions = dict(Permission.objects.filter(content_type__app_label="tools").values_list("codename", "pk"))
    teams = list(teams)
    ToolGroupObjectPermission.objects.bulk_create(
        [
            ToolGroupObjectPermission(
                group_id=team.group_id, permission_id=permissions[codename], content_object_id=tool.pk
            )
            for tool in tools
            for team in teams
            for codename in DEFAULT_RIGHTS.get(team.name, ())
        ],
        ignore_conflicts=True,
    )
