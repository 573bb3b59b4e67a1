"""Who had a lease when: triggers in Kea's own database write it down, in the transaction that gives the lease.

Kea keeps only the present, and its log of leases is compacted away. Plain renewals are left out. A trigger never
stops Kea from giving a lease: what goes wrong in it becomes a warning in the database's log. A row is read when no
older transaction is under way any more, so that none is passed over.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping
from typing import Any

from ipservices.contracts import LeaseEvent, LeaseReading
from ipservices.drivers.ip_kea.hosts import context_of
from ipservices.drivers.ip_kea.identifiers import Identifier
from ipservices.sql import Cursor, SqlTransport

AT_ONCE = 2000
_MAC, _DUID, _CLIENT_ID = 0, 1, 3


def install(sql: SqlTransport, cursor: Cursor) -> None:
    """Make table and triggers where they are missing. Needs the right to create them in Kea's database."""
    found = sql.run(cursor, "SELECT to_regclass('boss_lease_event') IS NOT NULL AS present")
    if not found[0]["present"]:
        sql.run(cursor, "SELECT pg_advisory_xact_lock(hashtext('boss lease history'))")
        sql.run(cursor, SCHEMA)


def read(sql: SqlTransport, cursor: Cursor, since: Mapping[str, Any]) -> LeaseReading:
    """Events after the cursor {transaction, number}."""
    values = {"transaction": str(since.get("transaction", 0)), "number": int(since.get("number", 0)), "most": AT_ONCE}
    rows = sql.run(cursor, _READ, values, hide=("address", "hwaddr", "client", "context"))
    if not rows:
        return LeaseReading((), since)
    last = rows[-1]
    return LeaseReading(
        tuple(_event(row) for row in rows), {"transaction": str(last["transaction"]), "number": int(last["id"])}
    )


def _event(row: Mapping[str, Any]) -> LeaseEvent:
    hardware, client = bytes(row["hwaddr"] or b""), bytes(row["client"] or b"")
    if row["version"] == 6:
        known = Identifier(_DUID, client)
    else:
        known = Identifier(_MAC, hardware) if hardware else Identifier(_CLIENT_ID, client)
    return LeaseEvent(
        opened=bool(row["opened"]),
        address=str(ipaddress.ip_interface(str(row["address"])).ip),
        length=int(row["length"]),
        identifier=str(known),
        service_ref=str(context_of(row["context"]).get("boss") or ""),
        at=row["at"].astimezone(dt.UTC),
    )


_READ = """
SELECT id, transaction::text AS transaction, version, opened, address, length, hwaddr, client, context, at
  FROM boss_lease_event
 WHERE transaction < pg_snapshot_xmin(pg_current_snapshot())
   AND (transaction > %(transaction)s::xid8 OR (transaction = %(transaction)s::xid8 AND id > %(number)s))
 ORDER BY transaction, id LIMIT %(most)s
"""

# Kea's own users of the database write through the triggers, so the functions run with the rights of their owner.
SCHEMA = """
CREATE TABLE boss_lease_event (
    id bigserial PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    version smallint NOT NULL,
    opened boolean NOT NULL,
    address inet NOT NULL,
    length smallint NOT NULL,
    hwaddr bytea,
    client bytea,
    context text,
    at timestamptz NOT NULL
);
CREATE INDEX boss_lease_event_order ON boss_lease_event (transaction, id);

CREATE FUNCTION boss_note_lease4(opened boolean, lease lease4, happened timestamptz) RETURNS void AS $note$
    INSERT INTO boss_lease_event (version, opened, address, length, hwaddr, client, context, at)
    VALUES (4, opened, '0.0.0.0'::inet + (lease).address, 32, (lease).hwaddr, (lease).client_id,
            (SELECT user_context FROM hosts WHERE ipv4_address = (lease).address ORDER BY host_id LIMIT 1), happened);
$note$ LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT;

CREATE FUNCTION boss_note_lease6(opened boolean, lease lease6, happened timestamptz) RETURNS void AS $note$
    INSERT INTO boss_lease_event (version, opened, address, length, hwaddr, client, context, at)
    VALUES (6, opened, (lease).address::inet, (lease).prefix_len, (lease).hwaddr, (lease).duid,
            (SELECT user_context FROM hosts JOIN ipv6_reservations r USING (host_id)
              WHERE r.address = (lease).address AND r.prefix_len = (lease).prefix_len ORDER BY host_id LIMIT 1),
            happened);
$note$ LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT;

CREATE FUNCTION boss_lease4() RETURNS trigger AS $lease$
DECLARE
    now_is timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 0 AND NEW.state = 0 AND OLD.expire > now_is AND NEW.expire > now_is
       AND OLD.hwaddr IS NOT DISTINCT FROM NEW.hwaddr AND OLD.client_id IS NOT DISTINCT FROM NEW.client_id THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.state = 0 THEN
        PERFORM boss_note_lease4(false, OLD, least(now_is, OLD.expire));
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.state = 0 AND NEW.expire > now_is THEN
        PERFORM boss_note_lease4(true, NEW, now_is);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'boss lease history: %', SQLERRM;
    RETURN NULL;
END
$lease$ LANGUAGE plpgsql;

CREATE FUNCTION boss_lease6() RETURNS trigger AS $lease$
DECLARE
    now_is timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 0 AND NEW.state = 0 AND OLD.expire > now_is AND NEW.expire > now_is
       AND OLD.duid IS NOT DISTINCT FROM NEW.duid THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.state = 0 THEN
        PERFORM boss_note_lease6(false, OLD, least(now_is, OLD.expire));
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.state = 0 AND NEW.expire > now_is THEN
        PERFORM boss_note_lease6(true, NEW, now_is);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'boss lease history: %', SQLERRM;
    RETURN NULL;
END
$lease$ LANGUAGE plpgsql;

CREATE TRIGGER boss_lease4 AFTER INSERT OR UPDATE OR DELETE ON lease4 FOR EACH ROW EXECUTE FUNCTION boss_lease4();
CREATE TRIGGER boss_lease6 AFTER INSERT OR UPDATE OR DELETE ON lease6 FOR EACH ROW EXECUTE FUNCTION boss_lease6();
"""
