"""Telephones for tests: sipp, which knows nothing of BOSS. Each is a process of its own, ended by its own id."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from ipservices import labs
from ipservices.drivers.voip_kamailio.lab import Lab
from ipservices.labs import HOST

_PACKET = """<![CDATA[
      {first}
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{user}@{domain}>;tag=[pid]t[call_number]
      To: <{to}>{tag}
      Call-ID: [call_id]
      CSeq: {number} {method}
      Contact: {contact}
      Max-Forwards: 70
{more}      Content-Length: 0

    ]]>"""
_HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="boss">\n'


class Refused(Exception):
    """The server did not do what the telephone expected; the message has the end of what sipp said."""


class Telephones:
    """Telephones at one lab, and one in the rest of the world, behind its gateway. ``close`` ends them all."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab = lab
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._count = 0
        self._running: list[subprocess.Popen[bytes]] = []
        self._world: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        for process in [*self._running, *([self._world] if self._world else [])]:
            if process.poll() is None:
                process.kill()
            process.wait()
        self._running, self._world = [], None

    def world(self) -> None:
        """Let somebody out there answer every call."""
        if self._world is None or self._world.poll() is not None:
            self._world = self._start(answering(), port=self.lab.ports["gateway_port"], calls=0)
            time.sleep(0.2)

    def register(
        self, user: str, domain: str, password: str, *, port: int, last: int = 200, seconds: int = 300
    ) -> None:
        """Log in, expecting ``last`` after the challenge. Raises Refused."""
        self._finish(self._start(registering(user, domain, password, last, seconds), port=port))

    def call(
        self, user: str, domain: str, password: str, number: str, *, seconds: float = 0.3, refused: int = 0
    ) -> None:
        """Call, talk, hang up; or expect to be refused with a status. Raises Refused."""
        self._finish(self._start(calling(user, domain, password, number, seconds, refused), port=0))

    def talk(self, user: str, domain: str, password: str, number: str) -> subprocess.Popen[bytes] | None:
        """A call that goes on until the other side ends it; None when it was not let through."""
        flag = self.directory / f"up-{self._count}"
        process = self._start(calling(user, domain, password, number, 0, 0, flag), port=0)
        ends = time.monotonic() + 5
        while time.monotonic() < ends:
            if flag.exists():
                return process
            if process.poll() is not None:
                return None
            time.sleep(0.02)
        process.kill()
        return None

    def answer(self, port: int) -> subprocess.Popen[bytes]:
        """A telephone that answers one call after the other."""
        process = self._start(answering(), port=port, calls=0)
        time.sleep(0.2)
        return process

    def _start(self, scenario: str, *, port: int, calls: int = 1) -> subprocess.Popen[bytes]:
        program = labs.find_program("sipp")
        if program is None:
            raise Refused("sipp is not installed")
        self._count += 1
        path, log = self.directory / f"{self._count}.xml", self.directory / f"{self._count}.log"
        path.write_text(scenario.replace("'", '"'))  # sipp knows no other quotation marks
        argv = [program, f"{HOST}:{self.lab.ports['sip_port']}", "-sf", str(path), "-i", HOST, "-nostdin",
                "-p", str(port or labs.free_port()), "-recv_timeout", "4000" if calls else "600000"]  # fmt: skip
        process = labs.launch([*argv, *(["-m", str(calls)] if calls else [])], log=log, env={"TERM": "dumb"})
        self._running.append(process)
        return process

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code != 0:
            said = sorted(self.directory.glob("*.log"), key=lambda one: int(one.stem))[-1]
            raise Refused(f"sipp ended with {code}: {said.read_text(errors='replace')[-1500:]}")


def registering(user: str, domain: str, password: str, last: int, seconds: int) -> str:
    """REGISTER, a challenge, REGISTER with the proof, and the answer ``last``."""
    uri, me = f"REGISTER sip:{domain} SIP/2.0", f"sip:{user}@{domain}"
    first = _packet(uri, "REGISTER", 1, user, domain, me, seconds=seconds)
    proof = _proof(user, password)
    second = _packet(uri, "REGISTER", 2, user, domain, me, more=proof, seconds=seconds)
    return (
        f"{_HEAD}<send retrans='500'>{first}</send>\n<recv response='401' auth='true'/>\n"
        f"<send retrans='500'>{second}</send>\n<recv response='{last}'/>\n</scenario>"
    )


def calling(
    user: str, domain: str, password: str, number: str, seconds: float, refused: int, flag: Path | None = None
) -> str:
    """INVITE with the proof asked for, talk, and BYE; with ``flag`` talk until the other side hangs up."""
    to = f"sip:{number}@{domain}"
    uri, me = f"INVITE {to} SIP/2.0", user
    first = _packet(uri, "INVITE", 1, me, domain, to)
    no = _packet(f"ACK {to} SIP/2.0", "ACK", 1, me, domain, to, tag="[peer_tag_param]")
    second = _packet(uri, "INVITE", 2, me, domain, to, more=_proof(user, password))
    begin = (
        f"{_HEAD}<send retrans='500'>{first}</send>\n<recv response='407' auth='true'/>\n<send>{no}</send>\n"
        f"<send retrans='500'>{second}</send>\n<recv response='100' optional='true'/>\n"
        "<recv response='180' optional='true'/>\n"
    )
    if refused:
        last = _packet(f"ACK {to} SIP/2.0", "ACK", 2, me, domain, to, tag="[peer_tag_param]")
        return f"{begin}<recv response='{refused}'/>\n<send>{last}</send>\n</scenario>"
    ack = _packet("ACK [next_url] SIP/2.0", "ACK", 2, me, domain, to, tag="[peer_tag_param]", more="      [routes]\n")
    up = f"<nop><action><exec command='touch {flag}'/></action></nop>\n" if flag else ""
    talk = f"{begin}<recv response='200' rrs='true'/>\n<send>{ack}</send>\n{up}"
    if flag:
        return f"{talk}<recv request='BYE' timeout='60000'/>\n<send>{_ANSWER_BYE}</send>\n</scenario>"
    bye = _packet("BYE [next_url] SIP/2.0", "BYE", 3, me, domain, to, tag="[peer_tag_param]", more="      [routes]\n")
    return (
        f"{talk}<pause milliseconds='{round(seconds * 1000)}'/>\n<send retrans='500'>{bye}</send>\n"
        "<recv response='200'/>\n</scenario>"
    )


def answering() -> str:
    """Ring, answer, and wait for the other side to hang up."""
    ring = _ANSWER.format(first="SIP/2.0 180 Ringing")
    yes = _ANSWER.format(first="SIP/2.0 200 OK")
    return (
        f"{_HEAD}<recv request='INVITE' rrs='true'/>\n<send>{ring}</send>\n<send retrans='500'>{yes}</send>\n"
        f"<recv request='ACK'/>\n<recv request='BYE'/>\n<send>{_ANSWER_BYE}</send>\n</scenario>"
    )


_ANSWER = """<![CDATA[
      {first}
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]a[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      [last_Record-Route:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Length: 0

    ]]>"""
_ANSWER_BYE = """<![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]>"""


def _proof(user: str, password: str) -> str:
    return f"      [authentication username={user} password={password}]\n"


def _packet(
    first: str, method: str, number: int, user: str, domain: str, to: str,
    *, tag: str = "", more: str = "", seconds: int | None = None,
) -> str:  # fmt: skip
    expires = "" if seconds is None else f";expires={seconds}"
    contact = f"<sip:{user}@[local_ip]:[local_port]>{expires}"
    return _PACKET.format(first=first, method=method, number=number, user=user, domain=domain, to=to, tag=tag,
                          more=more, contact=contact)  # fmt: skip
