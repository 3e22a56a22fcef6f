"""Logging: one JSON object a line on standard error, whatever wrote it, and no secrets in it."""

from __future__ import annotations

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lam_app.environment import WrongSetting

LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"passw|secret|token|authorization|cookie|api_?key|private|credential|dsn", re.IGNORECASE)
# The password of an address (scheme://user:password@host), the usual bearer spellings, and our own tokens.
_SECRET_TEXT = re.compile(
    r"(?<=://)([^\s/@:]*):[^\s/@]+(?=@)|(?<=Bearer )\S+|(?<=sk-)[A-Za-z0-9_-]{8,}|(?<=cs_[A-Za-z0-9]{8}_)[A-Za-z0-9]+"
)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank out values whose name says secret, and passwords inside addresses anywhere in the text."""
    for name, value in event.items():
        if _SECRET_NAME.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = _SECRET_TEXT.sub(
                lambda found: f"{found.group(1)}:{HIDDEN}" if found.group(1) else HIDDEN, value
            )
    return event


def logging_config(level: str) -> dict[str, Any]:
    """A dictConfig for the standard library; structlog's own loggers end in the same place.

    Raises WrongSetting for a level that does not exist.
    """
    level = level.upper()
    if level not in LEVELS:
        raise WrongSetting("LAM_LOG_LEVEL", f"must be one of {', '.join(sorted(LEVELS))}")
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": before,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    hide_secrets,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handler would write every line a second time, in another format.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "uvicorn.access": {"level": "WARNING"},
            "celery": {"level": "WARNING" if level == "INFO" else level},
            "kombu": {"level": "WARNING"},
            # A line for every call of the model, which its trace remembers better.
            "httpx2": {"level": "WARNING" if level == "INFO" else level},
        },
    }
