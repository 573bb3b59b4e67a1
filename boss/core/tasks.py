"""Celery doors of the cellar: the relay, woken after commit and swept by beat; the audit trail's sealer and checker."""

from __future__ import annotations

import structlog
from celery import shared_task

from boss.core import exports, files, relay, sealing

log = structlog.get_logger(__name__)


@shared_task(name="core.relay")
def relay_facts(realm_id: int) -> int:
    return relay.deliver_due(realm_id)


@shared_task(name="core.relay_sweep")
def sweep_facts() -> int:
    return sum(relay.deliver_due(realm_id) for realm_id in relay.realms_with_due())


@shared_task(name="core.seal_audit")
def seal_audit() -> int:
    return sealing.seal()


@shared_task(name="core.check_audit", rate_limit="6/m")
def check_audit(realm: str | None = None) -> int:
    """Compare trail and seals, in one realm (by key) or all. Returns the number of breaks; each is logged."""
    breaks = sealing.check(realm=realm)
    for each in breaks:
        log.error("audit_chain_broken", realm=each.realm, seal=each.number, entries=each.rows, reason=each.reason)
    return len(breaks)


@shared_task(name="core.write_export")
def write_export(realm_id: int, export_id: int) -> bool:
    return exports.write(realm_id, export_id)


@shared_task(name="core.sweep_exports")
def sweep_exports() -> int:
    """Write the files nobody was woken for, drop those whose time is over."""
    exports.expire()
    return sum(exports.write(realm_id, export_id) for realm_id, export_id in exports.due())


@shared_task(name="core.scan_file")
def scan_file(realm_id: int, file_id: int) -> bool:
    """Rung when a file was kept that is to be scanned."""
    return files.scan(realm_id, file_id)


@shared_task(name="core.scan_files")
def scan_files() -> int:
    """Files nobody was woken for, and those whose scanner did not answer."""
    return sum(files.scan(realm_id, file_id) for realm_id, file_id in files.due_everywhere())


@shared_task(name="core.drop_files")
def drop_files() -> int:
    """Contents that nothing names any more."""
    return files.drop_unnamed()
