"""The settings of a server, read from the environment. docs/configuration.md is their table."""

from pathlib import Path
from urllib.parse import urlsplit

import environ

from sentrylite.files import places

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent

# Safety ---------------------------------------------------------------------------------------

DEBUG = False
# Empty is refused by Django as soon as something is signed. `sentrylite serve` makes a key of its
# own in the data directory when it also owns the database, and insists on one when it does not.
SECRET_KEY = env.str("SECRET_KEY", default="")

# The address people and SDKs use, without a slash at the end; "" answers with the request's host.
PUBLIC_URL = env.str("SENTRYLITE_URL", default="").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]", *filter(None, [_public.hostname])],
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

# Behind a proxy that sets X-Forwarded-For and X-Forwarded-Proto itself.
TRUST_PROXY_HEADERS = env.bool("TRUST_PROXY_HEADERS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY_HEADERS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# How long browsers are to insist on https once they have seen it, in seconds; 0 is not to ask it of
# them. It cannot be taken back, and holds for whatever else the host serves.
SECURE_HSTS_SECONDS = env.int("SENTRYLITE_HSTS_SECONDS", default=0)
SILENCED_SYSTEM_CHECKS = [
    # HSTS is the operator's to choose, for this host alone.
    "security.W004",
    "security.W005",
    "security.W021",
    # The proxy that ends TLS redirects to it. SDKs and health checks inside may speak plain http.
    "security.W008",
]

# The house ------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "sentrylite.accounts",
    "sentrylite.organizations",
    "stats",
    "sentrylite.files",
    "sentrylite.releases",
    "sentrylite.symbols",
    "issues",
    "sentrylite.admin.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tasks",
    "django_tasks_db",
    "sentrylite.background",
    "rest_framework",
    "drf_spectacular_sidecar",  # the files of the reference's page
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "sentrylite.middleware.PageHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sentrylite.middleware.TooManyAttemptsMiddleware",
]

ROOT_URLCONF = "sentrylite.urls"
# The API answers a missing slash with a 404 as JSON; the admin redirects by itself.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Seconds that a client may hold a connection and send nothing, and how long a body may take beyond
# 1 kB/s.
CLIENT_TIMEOUT = env.int("SENTRYLITE_CLIENT_TIMEOUT", default=10)

# People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["sentrylite.accounts.backends.ThrottledBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
SESSION_ENGINE = "sentrylite.accounts.sessions"

# Mail -----------------------------------------------------------------------------------------

# Without a mail server the text of a mail is written to standard output.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="sentrylite@localhost")

# Storage --------------------------------------------------------------------------------------

_database = env.db_url("DATABASE_URL", default="postgres:///sentrylite")
if _database["ENGINE"] == "django.db.backends.postgresql":
    _database["ENGINE"] = "sentrylite.database"
DATABASES = {
    "default": {
        **_database,
        # One connection a thread, kept; the threads of a server are a fixed number.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Events are kept this long after they were received, then whole weeks are dropped.
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=90)

# What clients upload: a directory, or s3://bucket/prefix. See sentrylite.files.
_files = (
    env.str("SENTRYLITE_FILES", default="")
    or f"{env.str('SENTRYLITE_DATA_DIR', default='') or '.sentrylite'}/files"
)
STORAGES = {
    "files": places.storage(_files),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Where it waits until it is whole: on the same disk. The system's temporary directory, which is
# used with a bucket, is memory on some systems.
SPOOL_DIR = places.temporary_dir(_files)
FILE_UPLOAD_HANDLERS = ["sentrylite.spooling.SpooledUploadHandler"]

# Background work ------------------------------------------------------------------------------

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
# Whether servers run tasks themselves; else `sentrylite worker` has to.
BACKGROUND = env.bool("SENTRYLITE_BACKGROUND", default=True)

# Whether service hooks may lead to machines that only this server reaches.
HOOKS_ALLOW_PRIVATE = env.bool("SENTRYLITE_HOOKS_ALLOW_PRIVATE", default=False)

# Text and time --------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["sentrylite.formats"]

STATIC_URL = "/_static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Files are served from where they are installed: no collectstatic before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# The API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "sentrylite.api.errors.answer",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},
        # A line for every 404 would let any scanner fill the log.
        "django.request": {"level": "ERROR"},
    },
}
