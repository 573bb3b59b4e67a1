"""A mail product run from a directory: a real OpenLDAP in front of a second Postfix and Dovecot, on loopback.

It stands for somebody else's product: the driver reaches the directory and doveadm, and nothing else of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipservices import labs
from ipservices.labs import HOST, LabBinding, LabError, Names, SqlServer
from ipservices.mailing import crypt
from ipservices.mailing.lab import dovecot, servers
from ipservices.mailing.lab.servers import MailLab

TITLE = "Mail product with a directory (OpenLDAP)"
PACKAGES = f"{servers.PACKAGES} slapd postfix-ldap dovecot-ldap"
SUFFIX = "dc=mail,dc=example"
BASE = f"ou=mailboxes,{SUFFIX}"
READER = f"cn=mailserver,{SUFFIX}"
WRITER = f"cn=boss,{SUFFIX}"
_SCHEMA = Path(__file__).parent / "mail.schema"
_MODULE = Path("/usr/lib/dovecot/modules/auth/libauthdb_ldap.so")

_USER = "(objectClass=mailUser)"
_NAMED = "(|(mail=%s)(shadowAddress=%s))"
_SHUT = "This mailbox takes no mail at the moment"
# Filter, attributes of the answer and its form, by the names of ipservices.mailing.lab.postfix.MAPS.
QUERIES = {
    "domains": (f"(&{_USER}(mail=*@%s))", "mail", "%d"),
    "mailboxes": (f"(&{_USER}(mail=%s))", "mail", "%s"),
    "aliases": (f"(&{_USER}(shadowAddress=%s))", "mail", "%s"),
    "forwards": (f"(&{_USER}(mail=%s)(enabledService=forward)(enabledService=deliver))",
                 "mail, mailForwardingAddress", "%s"),
    "senders": (f"(&{_USER}{_NAMED})", "mail", "%s"),
    "closed": (f"(&{_USER}{_NAMED}(!(enabledService=deliver)))", "mail", f"450 4.2.1 {_SHUT}"),
    "barred": (f"(&{_USER}(mail=%s)(!(enabledService=smtp)))", "mail",
               "550 5.7.1 Sending is not open for this mailbox"),
    "waiting": (f"(&{_USER}(mail=%s)(!(enabledService=deliver)))", "mail", f"retry:4.2.1 {_SHUT}"),
}  # fmt: skip


class LdapMailLab(MailLab):
    """slapd, Postfix and Dovecot."""

    def __init__(self, directory: Path, ports: Mapping[str, int]) -> None:
        super().__init__(directory, ports)
        self.ldap_port = ports.get("ldap_port") or labs.free_port()
        self.password = labs.remembered(directory / "ldap-password")
        self.reader_password = labs.remembered(directory / "ldap-reader-password")
        self._slapd = self.home / "slapd"
        if not self._slapd.exists():
            self._make_directory()

    def _make_directory(self) -> None:
        (self._slapd / "data").mkdir(parents=True)
        (self._slapd / "start.ldif").write_text(
            f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Mail\ndc: mail\n\n"
            f"dn: {BASE}\nobjectClass: organizationalUnit\nou: mailboxes\n\n"
            + "\n".join(
                f"dn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
                f"cn: {dn.partition(',')[0].removeprefix('cn=')}\nuserPassword: {{CRYPT}}{crypt.sha512_crypt(word)}\n"
                for dn, word in ((WRITER, self.password), (READER, self.reader_password))
            )
        )
        self._configure()
        subprocess.run(  # noqa: S603 - our own program and directory
            [str(labs.find_program("slapadd")), "-f", str(self._slapd / "slapd.conf"),
             "-l", str(self._slapd / "start.ldif")],
            check=True, capture_output=True,
        )  # fmt: skip

    def _configure(self) -> None:
        schemas = ("core", "cosine", "nis", "inetorgperson")
        includes = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in schemas)
        (self._slapd / "mail.schema").write_text(_SCHEMA.read_text())
        (self._slapd / "slapd.conf").write_text(
            f"{includes}include {self._slapd}/mail.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
            f"pidfile {self._slapd}/pid\ndatabase mdb\nsuffix {SUFFIX}\ndirectory {self._slapd}/data\n"
            "maxsize 104857600\nsizelimit unlimited\nindex objectClass,mail,shadowAddress,enabledService eq\n"
            # Passwords are for comparing, save for the two accounts of this installation.
            f'access to dn.subtree="{BASE}" by dn.exact="{WRITER}" write by dn.exact="{READER}" read by * none\n'
            f'access to * by dn.exact="{WRITER}" read by dn.exact="{READER}" read by anonymous auth by * none\n'
        )

    def launch(self) -> None:
        self._configure()
        labs.give(self._slapd, dovecot.USER)
        process = labs.launch(
            [str(labs.find_program("slapd")), "-f", str(self._slapd / "slapd.conf"),
             "-h", f"ldap://{HOST}:{self.ldap_port}", "-d", "0"],
            log=self.home / "slapd.log", cwd=self._slapd, user=dovecot.USER,
        )  # fmt: skip
        labs.wait_until(
            lambda: labs.listens(self.ldap_port), process=process, log=self.home / "slapd.log", what="OpenLDAP"
        )
        super().launch()
        self.processes.append(process)

    def maps(self) -> Mapping[str, str]:
        home = self.home / "postfix-maps"
        home.mkdir(exist_ok=True, mode=0o755)
        for name, (asked, attributes, form) in QUERIES.items():
            path = home / f"{name}.cf"
            path.touch(mode=0o640)
            path.write_text(
                f"server_host = ldap://{HOST}:{self.ldap_port}\nversion = 3\nbind = yes\nbind_dn = {READER}\n"
                f"bind_pw = {self.reader_password}\nsearch_base = {BASE}\nquery_filter = {asked}\n"
                f"result_attribute = {attributes}\nresult_format = {form}\n"
            )
        named = {name: f"ldap:{home}/{name}.cf" for name in QUERIES}
        return {**named, "routes": f"{named.pop('aliases')}, {named.pop('forwards')}"}

    def databases(self) -> str:
        self.dovecot_home.mkdir(exist_ok=True, mode=0o700)
        path = self.dovecot_home / "ldap.conf"
        path.touch(mode=0o600)
        path.write_text(
            f"uris = ldap://{HOST}:{self.ldap_port}\ndn = {READER}\ndnpass = {self.reader_password}\n"
            f"ldap_version = 3\nbase = {BASE}\nscope = onelevel\ndefault_pass_scheme = CRYPT\n"
            f"pass_attrs = mail=user,userPassword=password\n"
            f"pass_filter = (&{_USER}(mail=%u)(accountStatus=active)(enabledService=%Ls))\n"
            "user_attrs = homeDirectory=home,mailQuota=quota_rule=*:bytes=%$\n"
            f"user_filter = (&{_USER}(mail=%u))\n"
            f"iterate_attrs = mail=user\niterate_filter = {_USER}\n"
        )
        return f"passdb {{\n  driver = ldap\n  args = {path}\n}}\nuserdb {{\n  driver = ldap\n  args = {path}\n}}"

    def facts(self) -> dict[str, Any]:
        return {
            **super().facts(),
            "ldap_port": self.ldap_port,
            "ldap_password": self.password,
            "mail_root": str(self.dovecot_home / "mail"),
        }


def is_installed() -> bool:
    """Whether the servers' programs are on this machine."""
    return servers.are_installed() and _MODULE.exists() and labs.find_program("slapd") is not None


def start(
    directory: Path,
    sql: SqlServer | None = None,
    *,
    ldap_port: int = 0,
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
) -> LdapMailLab:
    """Start the three servers below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    ports = {name: port for name, port in locals().items() if name.endswith("_port")}
    if not is_installed():
        raise LabError(f"{TITLE}: not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
    lab = LdapMailLab(directory, ports)
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm provisions its mailboxes here, where it has no mail server of its own."""
    settings = {
        "ldap_host": HOST,
        "ldap_port": facts["ldap_port"],
        "ldap_tls": "none",
        "bind_dn": WRITER,
        "base": BASE,
        "mail_root": facts["mail_root"],
        **servers.service_plane(facts, names.mail_domain),
    }
    secrets = {"ldap_password": facts["ldap_password"], **servers.secrets_of(facts)}
    return [LabBinding("mail", "mail_ldap", "Mail product with a directory (lab)", settings, secrets, position=20)]
