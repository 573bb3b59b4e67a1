"""The mail product with a directory on the bench of the conformance kit."""

from __future__ import annotations

import ldap3

from ipservices.contracts import Desired
from ipservices.drivers.mail_ldap.lab import BASE, WRITER, LdapMailLab, bindings
from ipservices.labs import HOST, Names
from ipservices.mailing.lab.bench import MailBench


def benches(
    lab: LdapMailLab, realm_id: int, domain: str = "kit-third.example", instance: str = ""
) -> list[LdapMailBench]:
    """One for the only kind; ``domain`` or ``instance`` tells two servers apart."""
    [bound] = bindings(lab.facts(), Names(f"subs.{domain}", domain, f"sip.{domain}"))
    return [LdapMailBench(realm_id, lab, bound, "mail.mailbox", f"{bound.driver_key} {domain}{instance}")]


class LdapMailBench(MailBench[LdapMailLab]):
    """Tampered with past BOSS in the directory: services are shut and the quota is changed by hand."""

    wrong = {"ldap_password": "wrong"}
    can_tell = frozenset({"messages_in", "storage_octets"})

    def tamper(self, desired: Desired) -> None:
        server = ldap3.Server(HOST, port=self.lab.ldap_port, get_info=ldap3.NONE)
        changes = {"enabledService": [(ldap3.MODIFY_REPLACE, ["imap"])], "mailQuota": [(ldap3.MODIFY_REPLACE, ["1"])]}
        with ldap3.Connection(server, WRITER, self.lab.password, auto_bind=True) as connection:
            if not connection.modify(f"mail={desired.name},{BASE}", changes):
                raise RuntimeError(connection.result)
