"""Postfix and Dovecot (SQL) on the bench of the conformance kit."""

from __future__ import annotations

from ipservices.contracts import Desired
from ipservices.drivers.mail_postfix_dovecot.lab import SqlMailLab, bindings
from ipservices.labs import Names
from ipservices.mailing.lab.bench import MailBench


def benches(lab: SqlMailLab, realm_id: int, domain: str = "kit.example", instance: str = "") -> list[SqlMailBench]:
    """One for the only kind; ``domain`` or ``instance`` tells two servers apart."""
    [bound] = bindings(lab.facts(), Names(f"subs.{domain}", domain, f"sip.{domain}"))
    return [SqlMailBench(realm_id, lab, bound, "mail.mailbox", f"{bound.driver_key} {domain}{instance}")]


class SqlMailBench(MailBench[SqlMailLab]):
    """Tampered with past BOSS in the tables."""

    wrong = {"sql_password": "wrong"}

    def tamper(self, desired: Desired) -> None:
        with self.lab.sql.connect(self.lab.database) as connection:
            connection.execute("UPDATE mailbox SET quota_mb = quota_mb + 1 WHERE address = %s", (desired.name,))
