"""The door for an ASGI server: `uvicorn lam_app.asgi:application`."""

from __future__ import annotations

import os
from typing import cast

from django.conf import settings
from django.core.asgi import get_asgi_application

from traces.bodies import App, BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lam_app.settings")

# A body without a length is cut off while it arrives, before anything is spooled (T81).
application = BodyLimit(cast("App", get_asgi_application()), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
