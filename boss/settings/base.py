"""Settings shared by every way of running BOSS. Secrets and addresses come from the environment."""

from __future__ import annotations

import hashlib
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from boss.core import logs
from boss.platform import addresses
from boss.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY = env.text("BOSS_SECRET_KEY", "")
DEBUG = False
# Hosts are rows (boss.tenancy.RealmHost): the realm middleware answers 421 to every other host.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "boss.core.apps.CoreConfig",
    "boss.tenancy.apps.TenancyConfig",
    "boss.notify.apps.NotifyConfig",
    "ticketing.apps.TicketingConfig",
    "workflow.apps.WorkflowConfig",
    "boss.automation.apps.AutomationConfig",
    "catalog.apps.CatalogConfig",
    "subscribers.apps.SubscribersConfig",
    "ipservices.apps.IpServicesConfig",
    "boss.privacy.apps.PrivacyConfig",
    "boss.look.apps.LookConfig",
    "boss.api.apps.ApiConfig",
    "boss.console.apps.ConsoleConfig",
    "boss.portals.apps.PortalsConfig",
    "boss.platform.apps.PlatformConfig",
    "boss.platform.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

# How many proxies of ours say in X-Forwarded-For whose request it is, or the networks they stand in. Without one
# anybody could say so, therefore it is none unless production (or the environment) says otherwise.
# BOSS_BEHIND_PROXY (yes: one proxy) is the older way to say it.
BOSS_TRUSTED_PROXIES = env.proxies("BOSS_TRUSTED_PROXIES", "1" if env.flag("BOSS_BEHIND_PROXY", False) else "0")

MIDDLEWARE = [
    "boss.core.middleware.ClientAddressMiddleware",
    "boss.core.middleware.SafeAnswersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "boss.core.middleware.StorableTextMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "boss.tenancy.middleware.RealmMiddleware",  # host → realm, one transaction around everything below
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "boss.tenancy.middleware.ActorMiddleware",
    "boss.tenancy.middleware.SignInMiddleware",
    "boss.tenancy.middleware.ComponentMiddleware",
    "boss.look.middleware.RealmTimeMiddleware",
    "boss.look.middleware.DeskLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "boss.urls"
WSGI_APPLICATION = "boss.wsgi.application"
ASGI_APPLICATION = "boss.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "boss.tenancy.context.realm",
                "boss.look.context.look",
            ],
        },
    }
]


DATABASE_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that vanished without a word (a failover, a firewall that forgot the connection) is given up after a minute
instead of the two hours of most systems: a worker that waits for it holds its task all that time. Over TCP only;
DATABASE_URL may say otherwise (``?keepalives_idle=…``)."""


def _database(role: str) -> dict[str, object]:
    place = addresses.database()
    return {
        "ENGINE": "boss.core.postgres",
        "USER": role,
        "PASSWORD": addresses.password(role),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler in transaction mode has none
        **place,
        "OPTIONS": {**DATABASE_PATIENCE, **place["OPTIONS"]},
    }


DATABASES = {
    "default": _database("boss_app"),
    "system": _database("boss_system"),
    "dispatch": _database("boss_dispatch"),  # finds what is due in all realms, and reads nothing else
    "seal": _database("boss_seal"),  # reads the audit trail of all realms and writes its seals, nothing else
    "owner": _database("boss_owner"),
}
DATABASE_ROUTERS = ["boss.core.scoping.DatabaseRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": addresses.redis_url(1)}}

AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = ["boss.tenancy.backends.RealmBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "boss.tenancy.passwords.OwnWordsValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"

SESSION_ENGINE = "boss.tenancy.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "boss.core.views.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# One data key derived from the secret until an operator names his own: "id:hex,id:hex", newest first.
BOSS_DATA_KEYS: dict[str, bytes] = {
    key_id: bytes.fromhex(key)
    for key_id, _sep, key in (pair.partition(":") for pair in env.words("BOSS_DATA_KEYS", []))
} or {"k0": hashlib.sha256(b"boss-data-key:" + SECRET_KEY.encode()).digest()}

# Private networks that every realm's drivers may reach; one realm's own stand in its settings (driver_networks).
BOSS_DRIVER_NETWORKS: list[str] = env.networks("BOSS_DRIVER_NETWORKS")
# Directories below which drivers may write files for servers that take some things from files only (docs/security.md).
BOSS_DRIVER_DIRECTORIES: list[str] = env.directories("BOSS_DRIVER_DIRECTORIES")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "boss" / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# How many files one form may carry; how many of them a realm takes is its own to say (ticketing.file_limits).
DATA_UPLOAD_MAX_NUMBER_FILES = 60
# What looks through files before anybody gets them: "clamd:host:port", "clamd:/path", or an entry point's name.
BOSS_FILE_SCANNER = env.text("BOSS_FILE_SCANNER", "")
# A folder of .ttf and .otf fonts for what the fonts of ours do not have (Chinese, Thai …), in PDFs.
BOSS_PDF_FONTS = env.text("BOSS_PDF_FONTS", "")

EMAIL_BACKEND = env.text("BOSS_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(BASE_DIR / ".boss" / "mail")
EMAIL_TIMEOUT = 10
# The mail server that BOSS sends through: none, STARTTLS or TLS from the start, and who BOSS is there.
EMAIL_HOST = env.text("BOSS_EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("BOSS_EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("BOSS_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("BOSS_EMAIL_PASSWORD", "")
_email_security = env.choice("BOSS_EMAIL_SECURITY", ["none", "starttls", "tls"])
EMAIL_USE_TLS, EMAIL_USE_SSL = _email_security == "starttls", _email_security == "tls"
# The name by which the mail server before BOSS signs its Authentication-Results (RFC 8601); it strips others of that
# name. Without one, BOSS verifies DKIM and DMARC itself, unless BOSS_MAIL_VERIFY is no.
BOSS_MAIL_AUTHSERV_ID = env.text("BOSS_MAIL_AUTHSERV_ID", "")
BOSS_MAIL_VERIFY = env.flag("BOSS_MAIL_VERIFY", True)
# What the check of a mailbox's domain compares with: the servers that hand mail to BOSS, best first, and the SPF term
# of the server BOSS sends by ("ip4:192.0.2.5", "include:spf.example.net"), and the DKIM selector it signs with as a
# rule. And the name servers that are asked; none: the machine's.
BOSS_MAIL_MX = env.words("BOSS_MAIL_MX", [])
BOSS_MAIL_SPF = env.text("BOSS_MAIL_SPF", "")
BOSS_MAIL_DKIM_SELECTOR = env.text("BOSS_MAIL_DKIM_SELECTOR", "mail")
BOSS_MAIL_NAME_SERVERS = env.name_servers("BOSS_MAIL_NAME_SERVERS")

# How long an answer of staff can be taken back after it was sent; 0: it goes at once. At most 60.
BOSS_UNDO_SECONDS = env.number("BOSS_UNDO_SECONDS", 10)

# At how many mailboxes `mail_intake` listens for new mail (IMAP IDLE), each with one connection; 0: all are polled.
BOSS_MAIL_LISTENERS = env.number("BOSS_MAIL_LISTENERS", 100)

CELERY_BROKER_URL = addresses.broker_url()
CELERY_TASK_IGNORE_RESULT = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "boss.api.authentication.ApiKeyAuthentication",
        "boss.api.authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["boss.core.api.permissions.DeclaredPermission"],
    "DEFAULT_PAGINATION_CLASS": "boss.core.api.pagination.CursorPagination",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["boss.core.api.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["boss.api.throttling.PrincipalThrottle"],
    "DEFAULT_SCHEMA_CLASS": "boss.api.schema.BossSchema",
    "EXCEPTION_HANDLER": "boss.core.api.problems.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
}
BOSS_API_REQUESTS_PER_MINUTE = {"api_key": 6000, "user": 1200, "visitor": 300, "system": 1_000_000}
SPECTACULAR_SETTINGS = {
    "TITLE": "BOSS",
    "DESCRIPTION": "Back office for broadband service providers.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # Drawn outside any realm it would fail; `make check` draws it in the right scope and compares.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SERVERS": [{"url": "/", "description": "The host names the provider"}],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {
        "MailKindEnum": "ticketing.choices.OutboundKind",
        "EndpointKindEnum": "boss.automation.choices.EndpointKind",
        "EndpointCallStateEnum": "boss.automation.choices.CallState",
        "PlanVersionStateEnum": "catalog.choices.PlanVersionState",
        "PriceKindEnum": "catalog.choices.PriceKind",
        "AccountStateEnum": "subscribers.choices.AccountState",
        "ChargeKindEnum": "subscribers.choices.ChargeKind",
        "ChargeStateEnum": "subscribers.choices.ChargeState",
        "OrderStateEnum": "subscribers.choices.OrderState",
        "PaymentMethodEnum": "subscribers.choices.PaymentMethod",
        "OrderReasonEnum": "subscribers.choices.OrderReason",
        "PaidByEnum": "subscribers.choices.PaidBy",
        "CollectionStateEnum": "subscribers.choices.CollectionState",
        "LeaseStateEnum": "subscribers.choices.LeaseState",
        "PortStateEnum": "ipservices.choices.PortState",
        "MigrationStateEnum": "ipservices.choices.MigrationState",
        "MoveStateEnum": "ipservices.choices.MoveState",
        "FindingKindEnum": "ipservices.choices.FindingKind",
        "ComparisonStageEnum": "ipservices.choices.ComparisonStage",
        "OutageScopeKindEnum": "ipservices.choices.OutageScopeKind",
        "OutageUpdateKindEnum": "ipservices.choices.OutageUpdateKind",
        "SubscriptionStateEnum": "subscribers.choices.SubscriptionState",
        "RunStateEnum": "workflow.choices.RunState",
        "BulkKindEnum": "workflow.choices.BulkKind",
        "BulkOutcomeEnum": "workflow.choices.BulkOutcome",
        "UserKindEnum": "boss.tenancy.models.people.User.Kind",
        "TicketStateEnum": "ticketing.choices.TicketState",
        "TicketPriorityEnum": "ticketing.choices.Priority",
        "MessageKindEnum": "ticketing.choices.MessageKind",
        "NewMessageKindEnum": "ticketing.services.drafts_of_text.KINDS",
        "ClockKindEnum": "ticketing.sla.kinds.ClockKind",
        "ClockStateEnum": "ticketing.sla.kinds.ClockState",
        "AssignmentStrategyEnum": "ticketing.assignment.kinds.Strategy",
        "StaffPresenceEnum": "ticketing.assignment.kinds.PresenceState",
        "PolicyKindEnum": "ticketing.sla.kinds.PolicyKind",
        "OpenTicketsEnum": "ticketing.services.policies.OPEN_TICKETS",
        "CategoryKindEnum": "ticketing.choices.CategoryKind",
        "DeliveryStateEnum": "boss.notify.models.DeliveryState",
        "FileStateEnum": "boss.core.models.PreparedFile.State",
        "ErasureStateEnum": "boss.privacy.models.Erasure.State",
    },
}

# One line an event, on the error stream: "readable" for people, "json" for machines (what production does).
LOGGING_CONFIG = "boss.core.logs.configure"
BOSS_LOG_FORMAT = env.choice("BOSS_LOG_FORMAT", ["readable", "json"])
LOGGING = logs.config(BOSS_LOG_FORMAT, env.text("BOSS_LOG_LEVEL", "WARNING"))
