"""Password hashing while a demo is built. The passwords stand on the screen, so their hashes need not be dear."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.contrib.auth import hashers
from django.test.utils import override_settings


class QuickArgon2(hashers.Argon2PasswordHasher):
    """Argon2 at a fiftieth of the price. The ordinary hasher reads it, and replaces it at the first log-in."""

    time_cost = 1
    memory_cost = 4096
    parallelism = 1


@contextlib.contextmanager
def quick_passwords() -> Iterator[None]:
    """Passwords set inside are hashed quickly: two dozen log-ins would take several seconds otherwise."""
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.{QuickArgon2.__name__}"]):
        yield
