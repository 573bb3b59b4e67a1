"""Production: TLS in front, every secret from the environment."""

from __future__ import annotations

from boss.core import logs
from boss.settings.base import *  # noqa: F403
from boss.settings.env import choice, flag, proxies, text

SECRET_KEY = text("BOSS_SECRET_KEY")

BOSS_TRUSTED_PROXIES = proxies("BOSS_TRUSTED_PROXIES", "1" if flag("BOSS_BEHIND_PROXY", True) else "0")
# Without a proxy it would be the visitor who says that his connection is safe.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BOSS_TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-boss"
CSRF_COOKIE_NAME = "__Host-csrf"
WHITENOISE_USE_FINDERS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
EMAIL_BACKEND = text("BOSS_EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")

BOSS_LOG_FORMAT = choice("BOSS_LOG_FORMAT", ["json", "readable"])
LOGGING = logs.config(BOSS_LOG_FORMAT, text("BOSS_LOG_LEVEL", "WARNING"))
