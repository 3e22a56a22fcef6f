"""Files that came with goals: taken from a form, and given back to whoever may see their run, as nothing but bytes."""

import uuid
from typing import Final
from urllib.parse import quote

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from lam_app.attachments.exceptions import AttachmentRefused
from lam_app.attachments.files import MOST_BYTES, MOST_FILES, Read, Upload, read_all
from lam_app.models import Attachment
from lam_app.story import visible_runs

FIELD: Final = "files"


def sent(request: HttpRequest) -> list[Read]:
    """The files of a form, read. Raises BadRequest for a field that the form does not have; see `read_all`."""
    for name in request.FILES:
        if name != FIELD:
            raise BadRequest(f"The form has no field “{name[:60]}”.")
    files = request.FILES.getlist(FIELD)
    if len(files) > MOST_FILES:
        raise AttachmentRefused(f"files: {MOST_FILES} are the most; these are {len(files)}.")
    if sum(one.size or 0 for one in files) > MOST_BYTES:
        raise AttachmentRefused(f"files: {MOST_BYTES:,} bytes are the most that can be attached to one goal.")
    return read_all([Upload(one.name or "", one.read()) for one in files])


@require_GET
@page()
def attachment(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One file, to be kept and not to be shown: a browser neither guesses what it is nor runs anything of it."""
    only(request.GET)
    found = Attachment.objects.filter(organization_id=request.organization.pk, pk=pk).select_related("content").first()
    if found is None or not visible_runs(request.membership).filter(pk=found.run_id).exists():
        raise Http404
    response = HttpResponse(bytes(found.content.data), content_type="application/octet-stream")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
