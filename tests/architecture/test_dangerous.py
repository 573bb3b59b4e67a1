"""Tools that open holes, and who alone may hold them: read from the source, each with the reason for its holders."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

import pytest

from boss.platform import secret_scan
from tests.architecture.sources import ROOT, trees, walk

PLATFORM = ("boss/platform/",)
"""Starts servers on the operator's machine and talks to them; nothing of it answers requests."""

LABS = (
    "ipservices/labs.py",
    "ipservices/mailing/lab/",
    *(f"{path.relative_to(ROOT)}/" for path in sorted(ROOT.glob("ipservices/drivers/*/lab"))),
)
"""Real servers for tests and demos, on the operator's machine too; imported by the platform and by tests alone."""

CURSORS = (
    "boss/core/", "boss/tenancy/services/users.py", "boss/tenancy/services/sites.py",
    "workflow/engine/", "workflow/board.py", "workflow/insight.py", "workflow/sample.py",
    "subscribers/account_search.py",
    "ipservices/services/leases.py", "ipservices/services/prefixes.py", "ipservices/services/free_ranges.py",
    "boss/automation/kinds/sql.py",  # somebody else's database, statements an administrator named
    "ipservices/sql.py",  # the databases of the servers that drivers provision
    *PLATFORM,
)  # fmt: skip
"""Statements Django cannot say, each a constant of its module with values as parameters."""

MADE_OF_NAMES = ("boss/core/walls.py", "boss/core/sealing.py", *LABS, *PLATFORM)
"""Where statements are put together of the names of tables and columns, which are ours; never of values."""

WEB_CLIENTS = ("boss/core/outbound.py", *PLATFORM, *LABS)
SOCKETS = (
    "boss/core/outbound.py", "boss/automation/sandbox/", *PLATFORM, *LABS,
    "boss/core/scanning.py",  # the virus scanner at the address that the operator's settings name
    "workflow/engine/settings.py",  # the machine's name
    # Protocols no client library of ours speaks; each connects to what the guard (reachable_address) has let pass.
    "ipservices/drivers/dns_bind/rndc.py", "ipservices/drivers/dns_bind/wire.py", "ipservices/drivers/ip_kea/relay.py",
    "ipservices/drivers/access_freeradius/radius.py", "ipservices/drivers/voip_kamailio/sip.py",
    # Name the type of what the guard has connected, for the mail clients.
    "ipservices/mailing/plane.py", "ticketing/mail/imap.py",
)  # fmt: skip
PROCESSES = ("boss/automation/sandbox/", *PLATFORM, *LABS)
HOST_OF_THE_REQUEST = (
    "boss/tenancy/middleware.py",  # finds the realm by it
    "boss/console/frame.py", "boss/portals/selfhelp/views/sign_in.py",  # is the redirect's target ours?
    "boss/tenancy/signing_in.py",  # the same
    "boss/core/views.py",  # is the page a form was sent from ours?
    # The host a passkey is made for, compared with the realm's canonical one.
    "boss/look/security.py", "boss/portals/account/views.py", "boss/portals/selfhelp/views/steps.py",
    "boss/portals/selfhelp/views/single_sign_on.py",  # single sign-on begins on the canonical host
    "boss/console/views/mail_grants.py",  # and so does signing in for a mailbox
)  # fmt: skip


def names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Everything that is imported or called, dotted."""
    for node in walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call):
            yield spelled(node.func), node.lineno


def spelled(function: ast.expr) -> str:
    """What is called, as it stands there; nothing where it has no name."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"  # nearly all of them, and without the work of unparse
    return ast.unparse(function) if isinstance(function, ast.Attribute) else ""


@functools.cache
def used() -> list[tuple[str, int, str]]:
    """Everything that is imported or called anywhere: file, line, dotted name."""
    return [(name, line, found) for name, tree in trees() for found, line in names(tree)]


def users_of(*parts: str, but: tuple[str, ...] = ()) -> list[str]:
    return sorted(
        f"{name}:{line} {found}"
        for name, line, found in used()
        if not (but and name.startswith(but))
        and any(found == part or found.startswith(f"{part}.") or found.endswith(f".{part}") for part in parts)
    )


@pytest.mark.asvs("1.2.4")
def test_statements_of_sql_are_written_where_they_are_looked_after():
    asked = {"cursor", "raw", "RawSQL", "extra"}
    found = [f"{name}:{line}" for name, line, what in used() if what.split(".")[-1] in asked]
    assert [place for place in found if not place.startswith(CURSORS)] == []


@pytest.mark.asvs("1.2.4")
def test_no_statement_is_put_together_from_values():
    """``execute`` is never handed a text made by ``%``, ``format`` or an f-string with a value in it."""
    found = []
    for name, tree in trees(but=MADE_OF_NAMES):
        for node in walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "execute" and node.args:
                text = node.args[0]
                made = isinstance(text, ast.JoinedStr) or (isinstance(text, ast.BinOp) and isinstance(text.op, ast.Mod))
                if made or (isinstance(text, ast.Call) and getattr(text.func, "attr", "") == "format"):
                    found.append(f"{name}:{node.lineno}")
    assert found == []


@pytest.mark.asvs("1.3.7", "1.2.1")
def test_no_text_is_declared_safe_for_html():
    assert (
        users_of(
            "mark_safe",
            "SafeString",
            "SafeText",
            "html_safe",
            but=("boss/look/templatetags/", "boss/portals/account/views.py"),
        )
        == []
    ), "format_html escapes what it is given"
    # The templates' own way of saying it.
    said = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "templates").rglob("*.html")
        if "|safe" in path.read_text() or "autoescape off" in path.read_text()
    ]
    assert said == []


@pytest.mark.asvs("1.3.6", "13.2.4")
def test_whatever_asks_over_the_network_goes_through_the_guard():
    assert (
        users_of(
            "httpx", "httpcore", "requests", "urllib.request", "urllib3", "http.client", "aiohttp", but=WEB_CLIENTS
        )
        == []
    )
    assert users_of("socket", but=SOCKETS) == []


@pytest.mark.asvs("12.3.2")
def test_no_certificate_goes_unchecked():
    found = []
    pinned = "ticketing/mail/imap.py"  # compared by its fingerprint before anything is said; tests/mail tries another
    for name, tree in trees():
        for node in walk(tree):
            switch = isinstance(node, ast.keyword) and node.arg in ("verify", "check_hostname")
            if switch and isinstance(node.value, ast.Constant) and node.value.value is False:
                found.append(f"{name}:{node.value.lineno}")
            if isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context"):
                found.append(name if name == pinned else f"{name}:{node.lineno}")
            if isinstance(node, ast.Attribute) and node.attr in ("AutoAddPolicy", "WarningPolicy"):
                found.append(f"{name}:{node.lineno}")
    assert found == [pinned]


@pytest.mark.asvs("1.5.2")
def test_nothing_is_read_that_can_run():
    """Objects come in as JSON, or as YAML that makes plain values."""
    assert users_of("pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml.unsafe_load", "yaml.full_load") == []
    assert users_of("yaml.load", but=("workflow/documents.py", *PLATFORM)) == []


@pytest.mark.asvs("1.2.5", "1.3.2")
def test_no_text_is_run():
    runs = []
    for name, tree in trees(but=("boss/automation/sandbox/harness.py",)):
        for node in walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
                runs.append(f"{name}:{node.lineno}")
            if (
                isinstance(node, ast.keyword)
                and node.arg == "shell"
                and getattr(node.value, "value", True) is not False
            ):
                runs.append(f"{name}:{node.value.lineno}")
    assert runs == []
    assert users_of("os.system", "os.popen", "subprocess", but=PROCESSES) == []


def test_links_in_mail_come_from_the_realm_and_not_from_the_request():
    assert users_of("get_host", "build_absolute_uri", but=HOST_OF_THE_REQUEST) == []


@pytest.mark.asvs("13.3.1")
def test_no_secret_lies_in_a_file():
    assert secret_scan.found() == []


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0B" * 3,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "boss_0123456789ab_" + "A1" + "b" * 41,
        "postgres://boss:" + "hunter22@db/boss",
    ],
)
def test_a_planted_secret_is_found(text):
    assert list(secret_scan.secrets_in(f"x = '{text}'"))


SEALS = {
    "boss/automation/sealing.py": {"automation.endpoint.sealed_secrets"},
    "boss/notify/services/messages.py": {"notify.message.text", "notify.message.html"},
    "boss/portals/account/views.py": set(),  # recovery codes in a session until they were shown
    "boss/tenancy/held_forms.py": set(),  # a form in a session, for ten minutes
    "boss/tenancy/services/factors.py": {"tenancy.totp.secret_sealed"},
    "boss/tenancy/services/single_sign_on.py": {"tenancy.signinprovider.client_secret_sealed"},
    "ticketing/services/mail/keys.py": {"ticketing.mailkey.secret_sealed"},
    "ticketing/services/mail/grants.py": {
        "ticketing.mailgrant.client_secret_sealed", "ticketing.mailgrant.refresh_token_sealed",
        "ticketing.mailgrant.access_token_sealed",
    },
    "ticketing/services/mail/sources.py": {"ticketing.mailsource.password_sealed"},
    "boss/portals/signup/drafts.py": set(),  # lives in a session for two weeks; the older keys stay as long
    "ipservices/sealing.py": {
        "ipservices.binding.sealed_secrets", "ipservices.service.sealed_secrets",
        "ipservices.formerstate.sealed_observed", "ipservices.finding.sealed_former",
        "ipservices.migrationitem.sealed_former",
    },
    "ipservices/services/porting.py": {"ipservices.portrequest.sealed_pin"},
    "subscribers/services/orders.py": {"subscribers.order.card_token_sealed"},
}  # fmt: skip


@pytest.mark.asvs("11.2.2")
def test_whatever_is_sealed_can_be_sealed_anew():
    """A module that seals says here which registered fields it fills; a field called sealed is registered."""
    from django.apps import apps

    from boss.core.sealed import sealed_fields

    sealing = {line.partition(":")[0] for line in users_of("crypto.seal", but=("boss/core/",))}
    assert sealing == set(SEALS)
    registered = {key for key, _field in sealed_fields}
    assert registered == set().union(*SEALS.values())
    called_so = {
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models() for field in model._meta.concrete_fields
        if "sealed" in field.name and field.get_internal_type() not in ("BooleanField", "DateTimeField")
    }  # fmt: skip
    assert called_so <= registered
