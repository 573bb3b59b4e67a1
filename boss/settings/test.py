"""Settings of the test suite: the real stack, quick password hashing, mail kept in memory."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("BOSS_SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests-only")
os.environ.setdefault("BOSS_PLATFORM_KIND", "test")
os.environ.setdefault("BOSS_DRIVER_NETWORKS", "127.0.0.0/8")
os.environ.setdefault("BOSS_DRIVER_DIRECTORIES", os.path.realpath(tempfile.gettempdir()))

from boss.settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = os.environ.get("BOSS_EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")

# No name is looked up by a test; those of authentication hand in a resolver of their own, those
# of a domain's records start a server.
BOSS_MAIL_VERIFY = False
BOSS_MAIL_NAME_SERVERS = [("127.0.0.1", 9)]

# What is sent goes at once; those of taking back say how long it waits.
BOSS_UNDO_SECONDS = 0

# Looks for a static file when it is asked for. Otherwise every test client reads all of them first: half its time.
WHITENOISE_AUTOREFRESH = True
