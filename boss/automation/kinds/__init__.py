"""The kinds of endpoints there are."""

from __future__ import annotations

from boss.automation.contracts import Kind
from boss.automation.kinds import http, ldap, sql, ssh, ticket

KINDS: dict[str, Kind] = {kind.key: kind for kind in (http.KIND, sql.KIND, ldap.KIND, ssh.KIND, ticket.KIND)}
