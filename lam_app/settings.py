"""Settings, all from the environment. A wrong value stops the start and names its variable (lam_app.environment).

Every role of the product reads this file, each with an environment of its own: only the web role is given
SECRET_KEY, only the gatekeeper is given LAM_PERMIT_KEY, and each role has its own database account.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from psycopg import IsolationLevel

from accounts.rows import forget
from lam_app import environment as env
from lam_app.logs import logging_config
from traces.doorbell import ROUTES
from traces.redaction import learn

BASE_DIR = Path(__file__).resolve().parent.parent
LAM_HOME = env.path("LAM_HOME", BASE_DIR / ".lam")

# What this process is. `worker` covers gatekeeper, planners, executors and the sweeper; `nursery` is the warm
# parent that roles are forked from and therefore knows no secret and no server.
LAM_ROLE = env.text("LAM_ROLE", "web")
if LAM_ROLE not in {"web", "worker", "owner", "nursery"}:
    raise env.WrongSetting("LAM_ROLE", "must be web, worker or owner")
_services = env.running_services(LAM_HOME) if LAM_ROLE != "nursery" else {}

DEBUG = env.flag("DEBUG")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
# Empty where a role has no business with it: Django then refuses the first use instead of signing with a guess.
SECRET_KEY = env.text("SECRET_KEY") or (env.secret_file(LAM_HOME / "keys" / "secret") if LAM_ROLE == "web" else "")

# Where spans of what is done are sent, over OTLP; empty: nowhere, and nothing is spent on them.
OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT", env.HTTP_SCHEMES)

# Times, in seconds.
LAM_TAKEBACK_SECONDS = env.whole("LAM_TAKEBACK_SECONDS", 0, 0, 3600)  # between the last yes and the call; 0: none
LAM_ASSIGN_SECONDS = env.whole("LAM_ASSIGN_SECONDS", 600, 30, 86_400)  # how long somebody has what they took
LAM_FEED_CHECK_SECONDS = env.whole("LAM_FEED_CHECK_SECONDS", 5, 1, 12)  # an open page's session and rights
LAM_FEED_LIFE_SECONDS = env.whole("LAM_FEED_LIFE_SECONDS", 3600, 5, 86_400)  # then an open page asks anew
LAM_SWEEP_SECONDS = env.whole("LAM_SWEEP_SECONDS", 1, 1, 60)
LAM_PERMIT_SECONDS = env.whole("LAM_PERMIT_SECONDS", 120, 5, 3600)
LAM_REVIEW_SECONDS = env.whole("LAM_REVIEW_SECONDS", 14400, 10, 30 * 86400)
LAM_LEASE_SECONDS = env.whole("LAM_LEASE_SECONDS", 30, 2, 3600)
LAM_SILENT_SECONDS = env.whole("LAM_SILENT_SECONDS", 60, 5, 3600)  # then a worker that lives and does not beat is ended

# How much may wait for people at once; beyond it a proposal is answered 429 and a planner waits.
LAM_WAITING_INITIATOR = env.whole("LAM_WAITING_INITIATOR", 100, 1, 1_000_000)  # on behalf of one person
LAM_WAITING_AGENT = env.whole("LAM_WAITING_AGENT", 500, 1, 1_000_000)
LAM_WAITING_ORGANIZATION = env.whole("LAM_WAITING_ORGANIZATION", 2000, 1, 10_000_000)

# Megabytes that are remembered of model calls, at most: of a run, and of an organization on one day (UTC).
LAM_TRACE_MB_RUN = env.whole("LAM_TRACE_MB_RUN", 64, 1, 100_000)
LAM_TRACE_MB_DAY = env.whole("LAM_TRACE_MB_DAY", 4096, 1, 10_000_000)

# Pages that are open live, at most: of a person, of an organization, of a web process.
LAM_FEED_PAGES_PERSON = env.whole("LAM_FEED_PAGES_PERSON", 8, 1, 1000)
LAM_FEED_PAGES_ORGANIZATION = env.whole("LAM_FEED_PAGES_ORGANIZATION", 300, 1, 10_000)
LAM_FEED_PAGES = env.whole("LAM_FEED_PAGES", 400, 1, 10_000)

# Keys: the private half is read by the gatekeeper alone.
LAM_PERMIT_KEY = env.path("LAM_PERMIT_KEY", LAM_HOME / "keys" / "permit.pem")
LAM_PERMIT_PUBLIC_KEY = env.path("LAM_PERMIT_PUBLIC_KEY", LAM_HOME / "public" / "permit.pub.pem")
LAM_SEAL_KEY = env.path("LAM_SEAL_KEY", LAM_HOME / "keys" / "seal.pem")  # read by the sealer alone
LAM_SEAL_PUBLIC_KEY = env.path("LAM_SEAL_PUBLIC_KEY", LAM_HOME / "public" / "seal.pub.pem")
LAM_CHECKPOINTS = env.path("LAM_CHECKPOINTS", LAM_HOME / "checkpoints.jsonl")
LAM_SEAL_SECONDS = env.whole("LAM_SEAL_SECONDS", 5, 1, 60)
LAM_CHECKPOINT_URL = env.url("LAM_CHECKPOINT_URL", env.HTTP_SCHEMES)  # where checkpoints are told as well
LAM_CHECKPOINT_SECRET = env.signing_secret("LAM_CHECKPOINT_SECRET")  # known to the sealer alone
LAM_TOOLS = env.modules("LAM_TOOLS")
LAM_EGRESS_PRIVATE = env.places("LAM_EGRESS_PRIVATE")

# Notices. Only planners, which send them, are told the mail server and its password.
LAM_PUBLIC_URL = env.url("LAM_PUBLIC_URL", env.HTTP_SCHEMES, "http://127.0.0.1:8000").rstrip("/")  # links begin so
LAM_MAIL_SERVER = env.mail_server("LAM_MAIL_URL")
LAM_MAIL_FROM = env.mail_sender("LAM_MAIL_FROM")
LAM_NOTICE_PRIVATE = env.places("LAM_NOTICE_PRIVATE")  # where webhooks of notices may go besides public addresses
LAM_NOTICE_SECONDS = env.whole("LAM_NOTICE_SECONDS", 600, 0, 86_400)  # between two letters; 0: none gathered

# The model.
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL", env.HTTP_SCHEMES, _services.get("openai", ""))
OPENAI_API_KEY = env.text("OPENAI_API_KEY", "unset")
LAM_MODEL = env.text("LAM_MODEL", "countersign-stand-in")
LAM_MODEL_IMAGES = env.flag("LAM_MODEL_IMAGES")  # whether it is shown the images that are attached to a goal
LAM_ATTACHMENTS_MB = env.whole("LAM_ATTACHMENTS_MB", 500, 1, 1_000_000)  # of one organization, in millions of bytes

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "guardian",
    "allauth",
    "allauth.account",
    "csp",
    "lucide",
    "traces",
    "accounts",
    "tools",
    "approvals",
    "lam_app",
]

MIDDLEWARE = [
    "traces.request_spans.RequestSpans",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.reserve.ReserveMiddleware",
    "traces.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.OrganizationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "lam_app.urls"
ASGI_APPLICATION = "lam_app.asgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A page and its fragments share one file. The loaders are written out, because template_partials would wrap them only
# once, when the apps start, and a role reads this file again after it was forked.
_LOADERS = ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("template_partials.loader.Loader", [("django.template.loaders.cached.Loader", _LOADERS)])],
            "builtins": ["template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ------------------------------------------------------------------------------------------------ database
_address = env.url("DATABASE_URL", env.DATABASE_SCHEMES, _services.get(LAM_ROLE, ""))
# With no server known every command that needs none still works; a connection fails naming this directory.
_parts = (
    env.database("DATABASE_URL", _address) if _address else {"host": str(LAM_HOME / "run"), "dbname": "countersign"}
)

# Milliseconds. Pages give up sooner than workers; migrations are never cut short.
_STATEMENT = {"web": 15_000, "worker": 60_000}.get(LAM_ROLE, 0)
_LOCK = {"web": 5_000, "worker": 10_000}.get(LAM_ROLE, 30_000)
_options: dict[str, Any] = {
    **{key: value for key, value in _parts.items() if key not in {"host", "port", "user", "password", "dbname"}},
    "isolation_level": IsolationLevel.READ_COMMITTED,
    "connect_timeout": 5,
    "application_name": env.text("LAM_PROCESS", LAM_ROLE),
    "options": f"-c statement_timeout={_STATEMENT} -c lock_timeout={_LOCK} -c TimeZone=UTC",
}
if LAM_ROLE == "web":
    # Requests hop between threads, so connections are shared; a connection is handed out only if it answers, and goes
    # back as nobody's.
    _most = env.whole("LAM_WEB_CONNECTIONS", 10, 1, 200)
    _options["pool"] = {"min_size": 1, "max_size": _most, "timeout": 5, "reset": forget}

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _parts["dbname"],
        "USER": _parts.get("user", ""),
        "PASSWORD": _parts.get("password", ""),
        "HOST": _parts.get("host", ""),
        "PORT": _parts.get("port", ""),
        "CONN_MAX_AGE": 0 if LAM_ROLE == "web" else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _options,
    }
}

if LAM_ROLE == "web":
    # What stops something never waits for a connection that something else holds.
    DATABASES["stop"] = {
        **DATABASES["default"],
        "OPTIONS": {**_options, "pool": {"min_size": 1, "max_size": 3, "timeout": 1, "reset": forget}},
    }

# --------------------------------------------------------------------------------------------- redis, celery
REDIS_URL = env.url("REDIS_URL", env.REDIS_SCHEMES, _services.get("redis", ""))

CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "countersign",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }

CELERY_APP = "lam_app.celery.app"  # how the ground floor finds the application without importing upwards
CELERY_BROKER_URL = env.broker(REDIS_URL) if REDIS_URL else "redis://127.0.0.1:1/0"
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 5,
    "health_check_interval": 5,
    "retry_on_timeout": False,
    "visibility_timeout": 60,
}
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ROUTES = {task: {"queue": queue} for task, queue in ROUTES.items()}
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# Celery closes the database connection around every task unless told how often it may be used again.
CELERY_DB_REUSE_MAX = 1_000_000_000

# -------------------------------------------------------------------------------------------------- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_RAISE_403 = False

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "inbox"
ACCOUNT_ADAPTER = "accounts.adapters.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/5m/key"}

# ------------------------------------------------------------------------------------- browser-side defences
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = env.flag("LAM_HTTPS")
CSRF_COOKIE_SECURE = env.flag("LAM_HTTPS")
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
_SELF, _NONE = "'self'", "'none'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [_NONE],
        "script-src": [_SELF],
        "style-src": [_SELF],
        "img-src": [_SELF, "data:"],
        "connect-src": [_SELF],
        "font-src": [_SELF],
        "form-action": [_SELF],
        "frame-ancestors": [_NONE],
        "base-uri": [_NONE],
    }
}

# ----------------------------------------------------------------------------------- static files, language
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(env.text("LAM_LOG_LEVEL", "INFO"))

# What this process was given and must never write down, wherever it writes.
learn({**os.environ, "DATABASE_URL": _address, "REDIS_URL": REDIS_URL}, SECRET_KEY, OPENAI_API_KEY)
