"""A real Postfix and Dovecot reading the driver's tables, on this machine's loopback. Never for production."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import sql as statements

from ipservices import labs
from ipservices.labs import LabBinding, LabError, Names, SqlServer
from ipservices.mailing.lab import servers
from ipservices.mailing.lab.servers import MailLab

TITLE = "Postfix and Dovecot (SQL)"
PACKAGES = f"{servers.PACKAGES} postfix-pgsql dovecot-pgsql"
SCHEMA = Path(__file__).parent.parent / "schema.sql"
_DRIVER = Path("/usr/lib/dovecot/modules/auth/libdriver_pgsql.so")

# What Postfix asks, by the names of ipservices.mailing.lab.postfix.MAPS.
QUERIES = {
    "domains": "SELECT name FROM mail_domain WHERE name = '%s'",
    "mailboxes": "SELECT address FROM mailbox WHERE address = '%s'",
    "routes": "SELECT destination FROM mail_route WHERE source = '%s'",
    "senders": "SELECT mailbox FROM mailbox_name WHERE name = '%s'",
    "closed": "SELECT '450 4.2.1 This mailbox takes no mail at the moment' FROM mailbox_name"
    " JOIN mailbox_door ON address = mailbox WHERE name = '%s' AND NOT deliver",
    "barred": "SELECT '550 5.7.1 Sending is not open for this mailbox' FROM mailbox_door"
    " WHERE address = '%s' AND NOT submit",
    "waiting": "SELECT 'retry:4.2.1 This mailbox takes no mail at the moment' FROM mailbox_door"
    " WHERE address = '%s' AND NOT deliver",
    "sent": "SELECT mail_sent('%s')",
}
QUERY_OF_PASSWORDS = """\
SELECT address AS user, password, CASE WHEN imap AND '%Ls' = 'imap' OR pop AND '%Ls' = 'pop3' OR '%Ls' = 'smtp' \
THEN NULL ELSE 'y' END AS nologin, 'This mailbox is not open for you at the moment' AS reason \
FROM mailbox_door WHERE address = '%u' AND ('%Ls' <> 'smtp' OR submit)"""
QUERY_OF_ALL = "SELECT address AS user FROM mailbox"
QUERY_OF_USERS = """\
SELECT '{mail}/' || place AS home, '*:storage=' || quota_mb || 'M' AS quota_rule, \
CASE WHEN current_date BETWEEN coalesce(autoreply->>'from', '-infinity')::date \
AND coalesce(autoreply->>'to', 'infinity')::date THEN autoreply->>'text' END AS sieve_env_autoreply \
FROM mailbox_door WHERE address = '%u' \
UNION ALL SELECT '{mail}/' || split_part(address, '@', 2) || '/' || split_part(address, '@', 1) || '/' || service_ref, \
NULL, NULL FROM mailbox_gone WHERE '%Ls' = 'doveadm' AND 'gone.' || lower(service_ref) || '.' || address = '%u'"""


class SqlMailLab(MailLab):
    """Postfix and Dovecot with a database of their own, written by one role and read by another."""

    def __init__(self, directory: Path, sql: SqlServer, ports: Mapping[str, int]) -> None:
        super().__init__(directory, ports)
        self.sql = sql
        name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
        self.database = self.writer = f"boss_mail_{name}"
        self.reader = f"boss_mail_reads_{name}"
        self.password = labs.remembered(directory / "sql-password")
        self.reader_password = labs.remembered(directory / "reader-password")
        self._make_database()

    def _make_database(self) -> None:
        with self.sql.connect("postgres", autocommit=True) as connection:
            for role, password in ((self.writer, self.password), (self.reader, self.reader_password)):
                there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
                verb = statements.SQL("ALTER" if there else "CREATE")
                connection.execute(
                    statements.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                        verb, statements.Identifier(role), statements.Literal(password)
                    )
                )
        self.sql.create_database(self.database)
        with self.sql.connect(self.database) as connection:
            writer, reader = statements.Identifier(self.writer), statements.Identifier(self.reader)
            connection.execute(statements.SQL("GRANT ALL ON SCHEMA public TO {}").format(writer))
            connection.execute(statements.SQL("SET ROLE {}").format(writer))
            connection.execute(SCHEMA.read_text().encode())
            connection.execute(statements.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(reader))
            connection.execute(statements.SQL("GRANT EXECUTE ON FUNCTION mail_sent(text) TO {}").format(reader))

    def maps(self) -> Mapping[str, str]:
        home = self.home / "postfix-maps"
        home.mkdir(exist_ok=True, mode=0o755)
        for name, query in QUERIES.items():
            path = home / f"{name}.cf"
            path.touch(mode=0o640)
            path.write_text(
                f"hosts = inet:{self.sql.host}:{self.sql.port}\nuser = {self.reader}\n"
                f"password = {self.reader_password}\ndbname = {self.database}\nquery = {query}\n"
            )
        return {name: f"pgsql:{home}/{name}.cf" for name in QUERIES}

    def databases(self) -> str:
        home = self.dovecot_home
        home.mkdir(exist_ok=True, mode=0o700)
        path = home / "sql.conf"
        path.touch(mode=0o600)
        lookups = f"password_query = {QUERY_OF_PASSWORDS}\nuser_query = {QUERY_OF_USERS.format(mail=home / 'mail')}\n"
        path.write_text(
            f"driver = pgsql\nconnect = host={self.sql.host} port={self.sql.port} dbname={self.database} "
            f"user={self.reader} password={self.reader_password}\ndefault_pass_scheme = CRYPT\n"
            f"{lookups}iterate_query = {QUERY_OF_ALL}\n"
        )
        return f"passdb {{\n  driver = sql\n  args = {path}\n}}\nuserdb {{\n  driver = sql\n  args = {path}\n}}"

    def facts(self) -> dict[str, Any]:
        return {
            **super().facts(),
            "sql_host": self.sql.host,
            "sql_port": self.sql.port,
            "sql_database": self.database,
            "sql_user": self.writer,
            "sql_password": self.password,
        }


def is_installed() -> bool:
    """Whether the servers' programs are on this machine."""
    return servers.are_installed() and _DRIVER.exists()


def start(
    directory: Path,
    sql: SqlServer | None = None,
    *,
    smtp_port: int = 0,
    submission_port: int = 0,
    inner_port: int = 0,
    lmtp_port: int = 0,
    imap_port: int = 0,
    pop_port: int = 0,
    auth_port: int = 0,
    policy_port: int = 0,
    doveadm_port: int = 0,
    copy_port: int = 0,
    webmail_port: int = 0,
    desk_port: int = 0,
) -> SqlMailLab:
    """Start both servers below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    ports = {name: port for name, port in locals().items() if name.endswith("_port")}
    if not is_installed():
        raise LabError(f"{TITLE}: not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
    if sql is None:
        raise LabError(f"{TITLE} needs a PostgreSQL")
    lab = SqlMailLab(directory, sql, ports)
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm provisions its mailboxes here."""
    settings = {
        **{name: facts[name] for name in ("sql_host", "sql_port", "sql_database", "sql_user")},
        "sql_tls": "disable",
        **servers.service_plane(facts, names.mail_domain),
    }
    secrets = {"sql_password": facts["sql_password"], **servers.secrets_of(facts)}
    return [LabBinding("mail", "mail_postfix_dovecot", "Postfix and Dovecot (lab)", settings, secrets)]
