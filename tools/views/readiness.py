"""A tool's readiness page: the six questions, answered from rows."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import Agent
from accounts.pages import PersonRequest, only, page
from tools import listing
from tools.matrix import matrix
from tools.questions import questions
from tools.shown import offered


@require_GET
@page()
def tool_readiness(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What is known and what is missing before a tool may act more freely."""
    only(request.GET)
    tool = listing.catalogue(request.organization.pk).filter(pk=pk).first()
    if tool is None:
        raise Http404
    one = offered(request.organization.pk, [tool])[0]
    agents = list(Agent.objects.filter(agenttool__tool=tool, enabled=True).order_by("name"))
    lines = matrix(request.organization.pk, only=[tool.pk])
    asked = questions(one, lines[0].holders if lines else {}, agents)
    answered = sum(question.met for question in asked)
    return render(request, "tools/readiness.html", {"offered": one, "questions": asked, "answered": answered})
