"""Where PostgreSQL and Valkey are: from `DATABASE_URL` and `REDIS_URL`, else the embedded ones of this checkout.

Standard library only: settings import this, and so does the bootstrap, before anything is installed.

The embedded servers listen on unix sockets in a directory whose name is a pure function of the user, the
checkout's path and the *kind* of platform (`run`, or `test-<id>`). So `manage.py shell`, a worker and a test
find the servers with no state file and no port, and two checkouts never collide. The name is short because a
unix socket's path is limited to 107 bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".boss"

OWNER_ROLE = "boss_owner"
APP_ROLE = "boss_app"
SYSTEM_ROLE = "boss_system"
SEAL_ROLE = "boss_seal"
DISPATCH_ROLE = "boss_dispatch"
PORTAL_ROLE = "boss_portal"
"""Nobody logs in as it: the application steps into it to read for a customer."""

ROLES = (OWNER_ROLE, APP_ROLE, SYSTEM_ROLE, SEAL_ROLE, DISPATCH_ROLE)

SUPERUSER = "boss"
"""The embedded cluster's superuser. Only the platform connects as it, never the application."""

DEFAULT_DATABASE = "boss"
POSTGRES_PORT = 5432

# Several test processes share one Valkey; each takes a block of its numbered databases.
REDIS_DATABASES_PER_BLOCK = 4


class AddressError(RuntimeError):
    """An address in the environment cannot be used. The message says which and why."""


def kind() -> str:
    """The platform this process belongs to: `run`, or `test-<id>` for one test invocation."""
    return os.environ.get("BOSS_PLATFORM_KIND") or "run"


def socket_directory(of_kind: str | None = None) -> Path:
    """The directory with the embedded servers' sockets. It need not exist yet.

    Raises AddressError if it exists and is not ours: the name can be guessed and its parent is open to all.
    """
    digest = hashlib.sha256(f"{ROOT}\0{of_kind or kind()}".encode()).hexdigest()[:8]
    # Always the system's own place when there is one: TMPDIR may differ from shell to shell.
    shared = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
    directory = shared / f"boss-{os.getuid()}-{digest}"
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return directory
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise AddressError(
            f"{directory} exists but does not belong to you (owner uid {found.st_uid}). "
            "It is where BOSS keeps its sockets. Ask its owner to remove it."
        )
    return directory


def postgres_socket_directory(of_kind: str | None = None) -> Path:
    """The directory PostgreSQL puts its socket in. A directory of its own, as it may run as another user."""
    return socket_directory(of_kind) / "pg"


def valkey_socket(of_kind: str | None = None) -> Path:
    """The path of Valkey's socket."""
    return socket_directory(of_kind) / "valkey.sock"


def is_embedded_database() -> bool:
    """True when BOSS runs its own PostgreSQL because `DATABASE_URL` names none."""
    return not os.environ.get("DATABASE_URL")


def is_embedded_redis() -> bool:
    """True when BOSS runs its own Valkey because `REDIS_URL` names none."""
    return not os.environ.get("REDIS_URL")


def database() -> dict[str, Any]:
    """NAME, HOST, PORT and OPTIONS of the one database, as Django's `DATABASES` wants them.

    Who logs in is not part of it: settings add USER and `password(role)` for each of the roles.
    """
    name = os.environ.get("BOSS_DATABASE_NAME")
    if is_embedded_database():
        return {
            "NAME": name or DEFAULT_DATABASE,
            "HOST": str(postgres_socket_directory()),
            "PORT": POSTGRES_PORT,
            "OPTIONS": {},
        }
    url = urlsplit(os.environ["DATABASE_URL"])
    if url.scheme not in {"postgres", "postgresql"}:
        raise AddressError("DATABASE_URL must begin with postgresql://, as BOSS needs PostgreSQL.")
    try:
        port = url.port
    except ValueError as trouble:
        raise AddressError(f"DATABASE_URL cannot be read: {trouble}.") from None
    options = dict(parse_qsl(url.query))
    # A socket directory is written as ?host=/run/postgresql, as libpq does.
    host = unquote(url.hostname or "") or options.pop("host", "")
    return {
        "NAME": name or unquote(url.path.lstrip("/")) or DEFAULT_DATABASE,
        "HOST": host,
        "PORT": port or options.pop("port", POSTGRES_PORT),
        "OPTIONS": options,
    }


def password(role: str) -> str:
    """The password of one of BOSS's database roles; empty on the embedded server, which only we can reach.

    With `DATABASE_URL`: `BOSS_OWNER_DB_PASSWORD`, `BOSS_APP_DB_PASSWORD`, `BOSS_SYSTEM_DB_PASSWORD`,
    `BOSS_SEAL_DB_PASSWORD` or `BOSS_DISPATCH_DB_PASSWORD`, else one derived from `BOSS_SECRET_KEY`, so that every
    machine of an installation finds the same.
    """
    if role not in ROLES:
        raise AddressError(f"{role!r} is not a database role of BOSS; the roles are {', '.join(ROLES)}.")
    given = os.environ.get(f"{role.upper()}_DB_PASSWORD")
    if given:
        return given
    if is_embedded_database():
        return ""
    secret = os.environ.get("BOSS_SECRET_KEY")
    if not secret:
        raise AddressError(
            f"DATABASE_URL is set but neither {role.upper()}_DB_PASSWORD nor BOSS_SECRET_KEY is: "
            f"there is no password for the database role {role}."
        )
    return hmac.new(secret.encode(), f"boss database role {role}".encode(), hashlib.sha256).hexdigest()


def settle_secret() -> None:
    """Put the everyday settings' secret into the environment, for what needs it before any settings are imported."""
    if os.environ.get("DJANGO_SETTINGS_MODULE", "boss.settings.dev") == "boss.settings.dev":
        os.environ.setdefault("BOSS_SECRET_KEY", local_secret())


def local_secret() -> str:
    """The secret of an installation nobody gave one: made once and kept in `.boss/secret`."""
    path = STATE / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive creation: two processes starting at once agree on the first one's secret.
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


def admin_dsn(database_name: str | None = None) -> str:
    """A libpq URL for the login that may create roles and databases: the embedded superuser or `DATABASE_URL`'s."""
    if is_embedded_database():
        where = urlencode({"host": str(postgres_socket_directory()), "port": POSTGRES_PORT})
        return f"postgresql://{SUPERUSER}@/{database_name or 'postgres'}?{where}"
    if database_name is None:
        return os.environ["DATABASE_URL"]
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database_name}"))


def redis_url(db: int = 0) -> str:
    """The URL of numbered database `db` of Redis or Valkey, as redis-py and Django's cache take it."""
    number = _redis_number(db)
    if is_embedded_redis():
        return f"unix://{valkey_socket()}?db={number}"
    url = urlsplit(os.environ["REDIS_URL"])
    if url.scheme == "unix":
        return f"unix://{url.path}?{urlencode(dict(parse_qsl(url.query)) | {'db': number})}"
    if url.scheme not in {"redis", "rediss"}:
        raise AddressError("REDIS_URL must begin with redis://, rediss:// or unix://.")
    return urlunsplit(url._replace(path=f"/{number}"))


def broker_url() -> str:
    """The Celery broker: `BROKER_URL` when set, else numbered database 0 of Redis or Valkey."""
    given = os.environ.get("BROKER_URL")
    if given:
        return given
    return _as_celery_spells_it(0)


def result_url() -> str:
    """Where Celery keeps the few results somebody waits for: numbered database 2."""
    return _as_celery_spells_it(2)


def _as_celery_spells_it(db: int) -> str:
    """`redis_url(db)`, with Celery's own form for a unix socket."""
    url = redis_url(db)
    if not url.startswith("unix://"):
        return url
    return f"redis+socket://{urlsplit(url).path}?virtual_host={_redis_number(db)}"


def _redis_number(db: int) -> int:
    if not 0 <= db < REDIS_DATABASES_PER_BLOCK:
        raise AddressError(f"BOSS uses Redis databases 0 to {REDIS_DATABASES_PER_BLOCK - 1}, not {db}.")
    return int(os.environ.get("BOSS_REDIS_BLOCK") or 0) * REDIS_DATABASES_PER_BLOCK + db
