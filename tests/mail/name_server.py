"""A real name server on a port of its own, UDP and TCP, that says what a test has it say."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT, FAILS, NOISE = "silent", "fails", "noise"
Zone = dict[tuple[str, str], list[str] | str]
"""(name, type) → its records as in a zone file, or how the server misbehaves. What is not there does not exist."""


def reply(zone: Zone, wire: bytes, *, most: int) -> bytes | None:
    query = dns.message.from_wire(wire)
    asked = query.question[0]
    name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
    said = zone.get((name, kind))
    if said == SILENT:
        return None
    if said == NOISE:
        return wire[:2] + b"\x81\x80" + b"\xff" * 40
    answer = dns.message.make_response(query, recursion_available=True)
    if said is None and not any(each == name for each, _kind in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif said == FAILS:
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif said:
        answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, list(said)))
    full = answer.to_wire(max_size=65535)
    if len(full) <= most:
        return full
    answer.answer.clear()
    answer.flags |= dns.flags.TC
    return answer.to_wire()


@contextmanager
def serving(zone: Zone) -> Iterator[int]:
    """Serve ``zone``, which may change meanwhile; gives the port."""

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, out = self.request
            if (answer := reply(zone, wire, most=1200)) is not None:
                out.sendto(answer, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (size,) = struct.unpack("!H", self.rfile.read(2))
            answer = reply(zone, self.rfile.read(size), most=65535)
            assert answer is not None
            self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stream) as stream,
        socketserver.ThreadingUDPServer(stream.server_address, Datagram) as datagram,
    ):
        for server in (stream, datagram):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield int(stream.server_address[1])
        for server in (stream, datagram):
            server.shutdown()
