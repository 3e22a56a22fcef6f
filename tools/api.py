"""The catalogue over HTTP, as the token's person and agent see it: what is not listed cannot be proposed."""

import re
import uuid
from typing import Annotated, Any, Final, Literal

from django.http import Http404
from ninja import Path, Query, Router

from accounts.api import AGENT, AUDIT, OPERATE, ApiRequest, Bearer
from accounts.models import Agent
from tools.contract import Contract
from tools.models import Tool, ToolQuerySet
from traces.wire import READS, READS_ONE, Answer, Page, cut

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What a tool can be called; asking for anything else finds nothing."""

router = Router(tags=["tools"], auth=Bearer(AGENT, OPERATE, AUDIT))


class IdempotencyOut(Answer):
    """What can be known about a call whose answer was lost; `lifetime` in seconds, for keyed tools."""

    kind: Literal["keyed", "queryable", "neither"]
    lifetime: int | None


class ToolOut(Answer):
    """A tool: what it takes and gives (JSON Schema), how deep it reaches, and how freely it may act."""

    name: str
    title: str
    description: str
    version: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None
    tier: Literal["read", "draft", "write", "delete", "admin"]
    maturity: Literal["in_the_loop", "on_the_loop", "audit_only"]
    categories: list[str]
    idempotency: IdempotencyOut
    reversible: bool
    recommend_only: bool


def visible(request: ApiRequest) -> ToolQuerySet:
    """What may be proposed for this person by this agent, the built-in one for a person's own token; an auditor sees
    the whole catalogue."""
    identity = request.auth
    everything = Tool.objects.within(identity.organization_id).filter(version__isnull=False)
    if identity.scope == AUDIT:
        return everything
    agent = identity.agent or Agent.objects.filter(organization_id=identity.organization_id, builtin=True).first()
    if agent is None:
        return everything.none()
    usable = Tool.objects.usable(identity.organization_id, identity.user.pk, agent.pk)
    return everything.filter(pk__in=usable.values("pk"))


def tool_shape(tool: Tool) -> dict[str, Any]:
    """A tool as clients read it."""
    assert tool.version is not None
    contract = Contract.from_json(tool.version.contract)
    return {
        "name": tool.name,
        "title": contract.title,
        "description": contract.description,
        "version": tool.version.hash,
        "arguments": contract.arguments_schema,
        "result": contract.result_schema,
        "tier": tool.tier,
        "maturity": tool.maturity,
        "categories": sorted(category.value for category in contract.categories),
        "idempotency": {"kind": contract.idempotency.kind.value, "lifetime": contract.idempotency.lifetime},
        "reversible": contract.reversible,
        "recommend_only": tool.recommend_only,
    }


@router.get("", response=Page[ToolOut], operation_id="list_tools", openapi_extra=READS)
def tools(
    request: ApiRequest,
    after: Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """The tools that calls may be proposed of, oldest first."""
    found = visible(request).order_by("pk")
    if after is not None:
        found = found.filter(pk__gt=after)
    rows, behind = cut(list(found[: limit + 1]), limit)
    return {"items": [tool_shape(row) for row in rows], "next": behind}


@router.get("/{name}", response=ToolOut, operation_id="get_tool", openapi_extra=READS_ONE)
def tool(request: ApiRequest, name: Annotated[str, Path()]) -> dict[str, Any]:
    """One tool by its name."""
    found = visible(request).filter(name=name).first() if NAME.fullmatch(name) else None
    if found is None:
        raise Http404
    return tool_shape(found)
