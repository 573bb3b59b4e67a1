"""Make the database BOSS lives in: five roles, one database, its extensions. Idempotent.

- `boss_owner` owns the schema and runs the migrations, nothing else.
- `boss_app` is the web and the workers: owns nothing and cannot bypass row-level security.
- `boss_system` is the platform operator, and work done across realms.
- `boss_dispatch` looks in all realms for what is due; it reads the columns that say so and nothing else.
- `boss_seal` reads the audit trail and seals it; it can do nothing else, and nobody else can do that.
- `boss_portal` logs in nowhere: the application steps into it to read for a customer.

The login that does this (the embedded superuser, or that of `DATABASE_URL`) is an installer; BOSS itself never
uses it. It must be allowed to create roles and databases the first time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import psycopg
from psycopg import sql

from boss.platform import addresses

EXTENSIONS = ("pg_trgm", "btree_gist")
LONGEST_IDLE_TRANSACTION = "60s"
"""A process that freezes in the middle of a transaction keeps its locks this long and no longer."""

OLDEST_SERVER = 15
"""The oldest major version that was tried. The bundled server is newer, and so is that of docker-compose.yml."""

MARK = "BOSS"
"""The comment on a database that says it is ours."""

Connection = psycopg.Connection[tuple[object, ...]]


class DatabaseRefused(RuntimeError):
    """The database or its login cannot be used. The message says why and what to do."""


def prepare(admin_dsn: str, name: str) -> None:
    """Create or complete roles, database `name` and extensions.

    Raises DatabaseRefused for a database that holds something else, a role that could bypass the wall, or a login
    without the rights.
    """
    try:
        with connect_somewhere(admin_dsn) as connection:
            refuse_old(connection)
            ensure_roles(connection)
            ensure_database(connection, name)
        with connect(admin_dsn, name) as connection:
            refuse_foreign(connection, name)
            furnish(connection, name)
    except psycopg.errors.InsufficientPrivilege as trouble:
        raise DatabaseRefused(
            f"The login of DATABASE_URL may not set up BOSS's database ({first_line(trouble)}). It must be allowed to "
            f"create roles and databases (CREATEROLE CREATEDB), or an administrator creates the roles "
            f"{', '.join(addresses.ROLES)} and the database {name} owned by {addresses.OWNER_ROLE}."
        ) from trouble
    except psycopg.OperationalError as trouble:
        raise DatabaseRefused(f"There is no connection to the database: {first_line(trouble)}") from trouble
    except psycopg.ProgrammingError as trouble:
        if trouble.sqlstate:
            raise  # the server's word on a statement of ours
        raise DatabaseRefused(f"DATABASE_URL cannot be used: {first_line(trouble)}") from trouble


def connect(admin_dsn: str, name: str) -> Connection:
    """Connect as the installer to one database, each statement committed at once."""
    return psycopg.connect(admin_dsn, dbname=name, autocommit=True, connect_timeout=10)


def connect_somewhere(admin_dsn: str) -> Connection:
    """Connect to whatever database there is on the server, as ours may not exist yet."""
    try:
        return connect(admin_dsn, "postgres")
    except psycopg.OperationalError:
        # Hosted servers may offer nothing but the one database named in the URL.
        return psycopg.connect(admin_dsn, autocommit=True, connect_timeout=10)


def refuse_old(connection: Connection) -> None:
    """Raise DatabaseRefused for a server that lacks what the schema is made with."""
    version = connection.info.server_version // 10000
    if version < OLDEST_SERVER:
        raise DatabaseRefused(
            f"The server of DATABASE_URL is PostgreSQL {version}; BOSS needs {OLDEST_SERVER} or newer."
        )


def ensure_roles(connection: Connection) -> None:
    """Create what is missing of BOSS's roles and set their passwords."""
    found = connection.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)", (list(addresses.ROLES),)
    ).fetchall()
    existing = {str(name): bool(powerful) for name, powerful in found}
    for role in addresses.ROLES:
        if existing.get(role):
            raise DatabaseRefused(
                f"The database role {role} is a superuser or bypasses row-level security, so nothing would keep one "
                f"provider's rows from another. Correct it: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"
            )
        verb = "ALTER" if role in existing else "CREATE"
        clauses: list[sql.Composable] = [] if role in existing else [sql.SQL("LOGIN NOINHERIT NOCREATEDB NOCREATEROLE")]
        password = addresses.password(role)
        if password:
            # Hashed on our side: the password in clear would end up in the server's log.
            hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            clauses.append(sql.SQL("PASSWORD {}").format(hashed.decode()))
        if clauses:
            statement = sql.SQL("{} ROLE {} {}").format(sql.SQL(verb), sql.Identifier(role), sql.SQL(" ").join(clauses))
            connection.execute(statement)
        if role != addresses.OWNER_ROLE:
            limit = sql.SQL("ALTER ROLE {} SET idle_in_transaction_session_timeout = {}")
            # Roles an administrator made may be his alone to change; then it is his to set.
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                connection.execute(limit.format(sql.Identifier(role), LONGEST_IDLE_TRANSACTION))

    ensure_portal_role(connection)


def ensure_portal_role(connection: Connection) -> None:
    """Create the role that the application steps into to read for a customer; it has no log-in and no password."""
    portal, application = sql.Identifier(addresses.PORTAL_ROLE), sql.Identifier(addresses.APP_ROLE)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (addresses.PORTAL_ROLE,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE").format(portal))
    member = "SELECT 1 WHERE pg_has_role(%s, %s, 'MEMBER')"
    if not connection.execute(member, (addresses.APP_ROLE, addresses.PORTAL_ROLE)).fetchone():
        # The application inherits nothing: it has these rights only while it has stepped into the role.
        connection.execute(sql.SQL("GRANT {} TO {}").format(portal, application))


def ensure_database(connection: Connection, name: str) -> None:
    """Create the database, owned by `boss_owner`, unless it exists."""
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    owner = sql.Identifier(addresses.OWNER_ROLE)
    if row is not None and not row[0]:
        # Who is no superuser can give things only to a role he is a member of.
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    found = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if found is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(name), owner
            )
        )
        mark(connection, name)


def refuse_foreign(connection: Connection, name: str) -> None:
    """Refuse a database that somebody else's tables live in; adopt an empty one. Raises DatabaseRefused."""
    found = connection.execute(
        """SELECT pg_get_userbyid(datdba), COALESCE(shobj_description(oid, 'pg_database'), '')
           FROM pg_database WHERE datname = current_database()"""
    ).fetchone()
    owner, comment = (str(value) for value in found) if found else ("", "")
    if comment != MARK:
        tables = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        ).fetchone()
        if tables and tables[0]:
            raise DatabaseRefused(
                f"The database {name} holds {tables[0]} tables that are not BOSS's, so it is left alone. "
                "Name an empty or a new database in DATABASE_URL."
            )
        mark(connection, name)
    if owner != addresses.OWNER_ROLE:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(addresses.OWNER_ROLE))
        )


def furnish(connection: Connection, name: str) -> None:
    """Close the database to strangers and put in the extensions."""
    roles = sql.SQL(", ").join(map(sql.Identifier, addresses.ROLES))
    database = sql.Identifier(name)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    connection.execute(
        sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(sql.Identifier(addresses.OWNER_ROLE))
    )
    for extension in missing_extensions(connection, EXTENSIONS):
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def missing_extensions(connection: Connection, wanted: Sequence[str]) -> list[str]:
    """Those of `wanted` that the connected database does not have."""
    present = {row[0] for row in connection.execute("SELECT extname FROM pg_extension").fetchall()}
    return [extension for extension in wanted if extension not in present]


def mark(connection: Connection, name: str) -> None:
    """Say in the database's comment that it is BOSS's."""
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), MARK))


def clone(admin_dsn: str, template: str, name: str) -> None:
    """Make database `name` a copy of `template`, which nobody may be connected to. For tests."""
    with connect(admin_dsn, "postgres") as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(addresses.OWNER_ROLE)
            )
        )


def drop(admin_dsn: str, name: str) -> None:
    """Delete database `name` and throw out whoever is still connected. For tests and `up --reset`."""
    with connect(admin_dsn, "postgres") as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def first_line(trouble: Exception) -> str:
    """The first line of a server's complaint."""
    return str(trouble).strip().splitlines()[0] if str(trouble).strip() else type(trouble).__name__
