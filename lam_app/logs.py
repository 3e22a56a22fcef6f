"""Logging: one JSON object a line on standard error, whatever wrote it, and no secrets in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lam_app.environment import WrongSetting
from traces.redaction import HIDDEN, SECRET_NAME, hidden_in

LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank out values whose name says secret, and secrets anywhere in the rest."""
    for name, value in event.items():
        event[name] = HIDDEN if SECRET_NAME.search(name) else hidden_in(_plain(value))
    return event


def _plain(value: Any) -> Any:
    """What the encoder would write by itself only after secrets were looked for, as the text that it would write."""
    plain = value is None or isinstance(value, str | int | float | Mapping | list | tuple)
    return value if plain else repr(value)


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
