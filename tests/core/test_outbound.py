"""What leaves the house: to which addresses, for how long, how much, and never by another's leave."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boss.core import outbound
from boss.core.outbound import Forbidden, NoAnswer, Policy, Session, TooLarge, address_of, is_public

LOOPBACK = Policy(("127.0.0.0/8", "::1/128"))
Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behaviour) -> Iterator[tuple[str, list[bytes]]]:
    """A server on the loopback that treats each connection with ``behave``; what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    heard.append(connection.recv(65536))
                    behave(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answering(status: str, body: bytes = b"{}", extra: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def ask(url: str, *, policy: Policy = LOOPBACK, seconds: float = 8.0, path: str = "/x") -> outbound.Answer:
    with Session(url, policy=policy) as session:
        return session.request("GET", path, seconds=seconds)


# Addresses

SPECIAL_V4 = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)]  # fmt: skip
inside_special = st.sampled_from(SPECIAL_V4).flatmap(
    lambda network: st.integers(int(network.network_address), int(network.broadcast_address)).map(ipaddress.IPv4Address)
)


def spellings(address: ipaddress.IPv4Address) -> list[str]:
    """One address as resolvers read it: whole numbers, hexadecimal, octal, short, in other digits, within IPv6."""
    a, b, c, d = address.packed
    number = int(address)
    circled = "".join(chr(0x245F + int(digit)) if digit != "0" else "\u24ea" for digit in str(a))
    return [
        str(address), str(number), hex(number), f"0{number:o}", f"{a}.{(b << 16) | (c << 8) | d}", f"0x{a:x}.{b}.{c}.{d}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{circled}.{b}.{c}.{d}", f"::ffff:{address}", f"::{address}",
        f"64:ff9b::{a:02x}{b:02x}:{c:02x}{d:02x}", f"2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1", f"{address}.",
    ]  # fmt: skip


@pytest.mark.asvs("1.3.6")
@settings(deadline=None, max_examples=30)
@given(inside_special)
def test_no_spelling_of_an_inner_address_is_reached(address):
    assert not is_public(address)
    for spelling in spellings(address):
        with pytest.raises((Forbidden, NoAnswer)):
            address_of(spelling, Policy(), plain=False, seconds=2)


@given(st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address))
def test_what_is_public_is_in_none_of_the_special_networks(address):
    if is_public(address):
        assert not any(address in network for network in SPECIAL_V4)


@given(st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address))
def test_only_the_global_part_of_ipv6_is_public(address):
    first = int(address) >> 125
    assert not is_public(address) or first == 1
    assert not is_public(ipaddress.IPv6Address((0x2002 << 112) | (int(address) >> 16)))


@pytest.mark.parametrize("text", ["::1", "::", "fec0::1", "fe80::1", "fc00::1", "ff02::1", "::7f00:1", "2001::1", "2001:10::1"])  # fmt: skip
def test_inner_addresses_of_ipv6(text):
    assert not is_public(ipaddress.ip_address(text))


def test_the_metadata_address_stays_closed_however_wide_a_network_was_allowed():
    for wide in ("0.0.0.0/0", "169.254.169.254/32"):
        with pytest.raises(Forbidden):
            address_of("169.254.169.254", Policy((wide,)), plain=True, seconds=1)
    assert address_of("10.1.2.3", Policy(("10.0.0.0/8",)), plain=True, seconds=1) == "10.1.2.3"
    with pytest.raises(Forbidden):
        address_of("0.0.0.0", Policy(("0.0.0.0/0",)), plain=True, seconds=1)


def test_a_public_address_is_asked_over_tls_only():
    assert address_of("8.8.8.8", Policy(), plain=False, seconds=1) == "8.8.8.8"
    with pytest.raises(Forbidden, match="TLS only"):
        address_of("8.8.8.8", Policy(), plain=True, seconds=1)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Each look-up of a name gives the next of ``answers``. The names that were looked up."""
    asked: list[str] = []
    left = list(answers)

    def look_up(host, *_args, **_how):
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.asvs("1.3.6")
def test_a_name_that_changes_between_check_and_use_gains_nothing(monkeypatch):
    with server(answering("200 OK")) as (url, heard):
        port = url.rpartition(":")[2]
        asked = resolving(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        answer = ask(f"http://rebinding.example:{port}")
        assert answer.status == 200 and asked == ["rebinding.example"]
        assert f"Host: rebinding.example:{port}".encode() in heard[0]

        resolving(monkeypatch, ["169.254.169.254"], ["127.0.0.1"])
        with pytest.raises(Forbidden):
            ask(f"http://rebinding.example:{port}")
        assert len(heard) == 1


def test_of_several_addresses_only_an_allowed_one_is_taken(monkeypatch):
    resolving(monkeypatch, ["10.0.0.1", "169.254.169.254", "9.9.9.9"])
    assert address_of("mixed.example", Policy(), plain=False, seconds=1) == "9.9.9.9"


def test_a_resolver_that_hangs_is_within_the_deadline(monkeypatch):
    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *_a, **_h: time.sleep(1) or [])
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        address_of("slow.example", Policy(), plain=False, seconds=0.2)
    assert time.monotonic() - began < 0.9


# Exchanges


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        connection.sendall(b"x")
        time.sleep(0.1)


def drip_headers(connection: socket.socket) -> None:
    for _ in range(40):
        connection.sendall(b"H")
        time.sleep(0.1)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


@pytest.mark.parametrize("behave", [drip, drip_headers, lambda connection: time.sleep(3)])
def test_the_deadline_is_one_over_the_whole_exchange(behave):
    with server(behave) as (url, _heard):
        began = time.monotonic()
        with pytest.raises(NoAnswer) as lost:
            ask(url, seconds=0.5)
        assert lost.value.sent and time.monotonic() - began < 2.5


def test_an_endless_body_is_left_at_its_largest_size():
    with server(endless) as (url, _heard), pytest.raises(TooLarge):
        ask(url, policy=Policy(LOOPBACK.networks, 200_000), seconds=10)


def test_compressed_bodies_are_not_unpacked():
    bomb = answering("200 OK", b"\x1f\x8b" + b"0" * 100, "Content-Encoding: gzip\r\n")
    with server(bomb) as (url, _heard), pytest.raises(NoAnswer, match="compressed"):
        ask(url)


@pytest.mark.asvs("15.3.2")
def test_a_redirect_is_an_answer_and_is_not_followed():
    to_metadata = answering("302 Found", b"", "Location: http://169.254.169.254/latest/meta-data/\r\n")
    with server(to_metadata) as (url, heard):
        assert ask(url).status == 302 and len(heard) == 1


@pytest.mark.parametrize(
    "path", ["http://169.254.169.254/", "//169.254.169.254/", "x", "/a b", "/a\r\nHost: x", "@evil/"]
)
def test_a_path_cannot_lead_elsewhere(path):
    with server(answering("200 OK")) as (url, heard), pytest.raises(Forbidden):
        ask(url, path=path)
    assert heard == []


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://user:pass@127.0.0.1/", "gopher://x/", "http:///"]
)
def test_only_plain_web_addresses_are_asked(url):
    with pytest.raises(Forbidden):
        ask(url)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    with server(answering("200 OK")) as (url, heard):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        assert ask(url).status == 200 and len(heard) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """A certificate for service.example, and the file with its key."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("service.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    both.write_text(pem + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())  # fmt: skip
    return pem, str(both)


@pytest.mark.asvs("12.3.2")
def test_tls_checks_the_name_and_not_the_address(monkeypatch, certificate):
    pem, both = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                raw, _peer = listener.accept()
                with context.wrap_socket(raw, server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        resolving(monkeypatch, ["127.0.0.1"])
        with Session(f"https://service.example:{port}", policy=LOOPBACK, trusted_ca=pem) as session:
            assert session.request("GET", "/", seconds=5).status == 204
        assert asked == ["service.example"]
        for url, trusted in ((f"https://other.example:{port}", pem), (f"https://service.example:{port}", "")):
            with Session(url, policy=LOOPBACK, trusted_ca=trusted) as session, pytest.raises(NoAnswer) as refused:
                session.request("GET", "/", seconds=5)
            assert not refused.value.sent
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
