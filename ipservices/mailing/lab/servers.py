"""A private Postfix with a private Dovecot: what the labs of all mail drivers start."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import signal
import smtplib
import subprocess
import time
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from ipservices import labs
from ipservices.labs import HOST, Lab, LabError
from ipservices.mailing import crypt
from ipservices.mailing.lab import dovecot, postfix, webmail

PORTS = ("smtp", "submission", "inner", "lmtp", "imap", "pop", "auth", "policy", "doveadm", "copy", "webmail", "desk")
"""Where the servers listen; ``copy`` is where other Dovecots hand over mailboxes, ``desk`` where BOSS takes mail for
desks by LMTP, when it runs."""
PACKAGES = (
    "postfix dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-sieve "
    "roundcube-core roundcube-sqlite3 php-cli"
)
_PROGRAMS = ("postfix", "dovecot")
_MASTER = "/usr/lib/postfix/sbin/master"
# Passes our end on, and waits for the other's.
_GUARD = 'trap "kill \\$server; wait \\$server" TERM; "$@" & server=$!; wait $server'
_SIEVE = Path("/usr/lib/dovecot/modules/lib90_sieve_plugin.so")


def service_plane(facts: Mapping[str, Any], domain: str) -> dict[str, Any]:
    """What a binding to such a lab says of where subscribers and doveadm are served."""
    return {
        "domains": domain,
        "mail_host": HOST,
        "tls": "none",
        **{f"{name}_port": facts[f"{name}_port"] for name in ("smtp", "submission", "imap", "pop")},
        "doveadm_url": f"http://{HOST}:{facts['doveadm_port']}",
        "handover": f"tcp:{HOST}:{facts['copy_port']}",
        "webmail_url": f"http://{HOST}:{facts['webmail_port']}",
    }


def secrets_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """The secrets that go with it."""
    return {"doveadm_key": facts["doveadm_key"], "webmail_key": facts["webmail_key"]}


def are_installed() -> bool:
    """Whether the servers' programs are on this machine."""
    return all(labs.find_program(name) for name in _PROGRAMS) and _SIEVE.exists() and webmail.is_installed()


class MailLab(Lab):
    """Both servers below one directory. Postfix's master has to be root; Dovecot is nobody."""

    hostname = "mx.lab.example"

    def __init__(self, directory: Path, ports: Mapping[str, int]) -> None:
        super().__init__(directory)
        if os.geteuid() != 0:
            raise LabError("Postfix can only be started by root")
        directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.home = _home(directory)
        self.dovecot_home = self.home / "dovecot"
        self.webmail_home = self.home / "webmail"
        self.ports = {name: ports.get(f"{name}_port") or labs.free_port() for name in PORTS}
        self.api_key = labs.remembered(directory / "doveadm-key")
        self.copy_key = labs.remembered(directory.parent / "mail-copy-key")
        self.master_password = labs.remembered(directory / "master-password")
        self.webmail_key = labs.remembered(directory / "webmail-key")

    @abstractmethod
    def maps(self) -> Mapping[str, str]:
        """Postfix's questions and the maps that answer them; writes the maps' files."""

    @abstractmethod
    def databases(self) -> str:
        """Dovecot's passdb and userdb blocks; writes the files they name."""

    def launch(self) -> None:
        postfix.write(self.home, ports=self.ports, maps=self.maps(), hostname=self.hostname)
        dovecot.write(
            self.dovecot_home,
            ports=self.ports,
            databases=self.databases(),
            api_key=self.api_key,
            copy_key=self.copy_key,
            master_hash=crypt.sha512_crypt(self.master_password),
        )
        labs.give(self.dovecot_home, dovecot.USER)
        for left in self._pid_files():  # of a power cut; a zombie's number counts as running with Dovecot
            left.unlink(missing_ok=True)
        webmail.write(
            self.webmail_home,
            ports=self.ports,
            key=self.webmail_key,
            master=dovecot.MASTER,
            master_password=self.master_password,
        )
        labs.give(self.webmail_home, dovecot.USER)
        self.processes = [self._start_dovecot(), self._start_postfix(), self._start_webmail()]
        self._wait()

    def _start_dovecot(self) -> subprocess.Popen[bytes]:
        command = [str(labs.find_program("dovecot")), "-F", "-c", str(self.dovecot_home / "dovecot.conf")]
        return labs.launch(
            ["sh", "-c", _GUARD, "dovecot", *command],
            log=self.home / "dovecot-start.log",
            cwd=self.dovecot_home,
            user=dovecot.USER,
        )

    def _start_postfix(self) -> subprocess.Popen[bytes]:
        home = self.home / "postfix"
        if not (home / "queue/pid").exists():  # makes the queue's directories
            subprocess.run(  # noqa: S603 - our own program and directory
                [str(labs.find_program("postfix")), "-c", str(home / "etc"), "check"], check=True, capture_output=True
            )
        # The kernel forgets, when the master changes its user for a moment, that it shall die with us: so a shell
        # that does not forget stands between. Postfix's own script would not pass an end on at all.
        return labs.launch(
            ["sh", "-c", _GUARD, "postfix", _MASTER, "-d", "-c", str(home / "etc")],
            log=self.home / "postfix-start.log",
            cwd=home,
            env={"MAIL_CONFIG": str(home / "etc")},
        )

    def _start_webmail(self) -> subprocess.Popen[bytes]:
        return labs.launch(
            webmail.command(self.webmail_home, self.ports["webmail"]),
            log=self.home / "webmail.log",
            cwd=self.webmail_home,
            env={"ROUNDCUBE_CONFIG_DIR": f"{self.webmail_home}/config/"},
            user=dovecot.USER,
        )

    def _wait(self) -> None:
        labs.wait_until(
            lambda: labs.listens(self.ports["imap"]) and self._doveadm_answers(),
            process=self.processes[0],
            log=self.dovecot_home / "dovecot.log",
            what="Dovecot",
        )
        labs.wait_until(
            self._postfix_answers,
            process=self.processes[1],
            log=self.home / "postfix/maillog",
            what="Postfix",
        )
        labs.wait_until(
            lambda: labs.listens(self.ports["webmail"]),
            process=self.processes[2],
            log=self.home / "webmail.log",
            what="Roundcube",
        )

    def _doveadm_answers(self) -> bool:
        key = base64.b64encode(self.api_key.encode()).decode()
        try:
            answer = httpx.get(
                f"http://{HOST}:{self.ports['doveadm']}/doveadm/v1",
                headers={"Authorization": f"X-Dovecot-API {key}"},
                timeout=2.0,
                trust_env=False,
            )
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def _postfix_answers(self) -> bool:
        try:
            with smtplib.SMTP(HOST, self.ports["smtp"], timeout=2) as client:
                return client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def stop(self) -> None:
        super().stop()
        self._wait_for_silence()

    def kill(self) -> None:
        for written in self._pid_files():  # Postfix's master leads a session of its own
            with contextlib.suppress(OSError, ValueError):
                os.killpg(os.getpgid(int(written.read_text())), signal.SIGKILL)
        super().kill()
        self._wait_for_silence()

    def _pid_files(self) -> tuple[Path, Path]:
        return self.home / "postfix/queue/pid/master.pid", self.dovecot_home / "run/master.pid"

    def _wait_for_silence(self) -> None:
        """Children hold the ports a moment longer than the process that was ended."""
        ends = time.monotonic() + 5
        while time.monotonic() < ends:
            if not any(labs.listens(self.ports[name]) for name in ("smtp", "imap", "doveadm", "auth")):
                return
            time.sleep(0.02)

    def facts(self) -> dict[str, Any]:
        return {
            **{f"{name}_port": port for name, port in self.ports.items()},
            "doveadm_key": self.api_key,
            "webmail_key": self.webmail_key,
        }


def _home(directory: Path) -> Path:
    """Where the servers live: both give up being root, so what they open must be in reach of everybody."""
    home = directory
    if not all(place.stat().st_mode & 0o001 for place in directory.resolve().parents):
        name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
        home = Path("/var/tmp") / f"boss-lab-mail-{name}"  # noqa: S108 - the owner is looked at
        marked = directory / "home"
        if not marked.exists():
            # Left by an earlier directory of this name, with passwords nobody knows any more.
            shutil.rmtree(home, ignore_errors=True)
            marked.write_text(str(home))
        home.mkdir(exist_ok=True, mode=0o711)
        if home.lstat().st_uid != os.geteuid():
            raise LabError(f"{home} belongs to somebody else")
    home.chmod(0o711)
    return home
