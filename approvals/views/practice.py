"""Practice: made-up requests on the real card, and what there was to see. It writes nothing and calls no verb."""

from typing import Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.pages import PersonRequest, only, page
from approvals.lessons import APPROVE, LESSONS, REJECT
from approvals.practice import practice as lesson_of

ANSWERS: Final = (APPROVE, REJECT)


@require_http_methods(["GET", "POST"])
@page()
def practice(request: PersonRequest) -> HttpResponse:
    """A lesson, and once it was answered, whether the answer was right and why. Anybody signed in may practise."""
    answer = ""
    if request.method == "POST":
        fields = only(request.POST, "lesson", "answer")
        answer = fields["answer"]
        if answer not in ANSWERS:
            raise BadRequest("Say yes or no to the lesson.")
    else:
        fields = only(request.GET, "lesson")
    number = fields["lesson"] or "1"
    try:
        card = lesson_of(int(number) if number.isdecimal() and len(number) < 4 else 0)
    except IndexError as nowhere:
        raise Http404 from nowhere
    context = {
        "card": card,
        "around": card,
        "lessons": LESSONS,
        "answer": answer,
        "right": answer == card.lesson.right,
        "next": card.number + 1 if card.number < len(LESSONS) else None,
    }
    return render(request, "approvals/practice.html", context)
