"""The audit trail cannot be changed unseen: who sealed what, and what each kind of tampering is found by."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connections, transaction

from boss.core import audit, origin, scoping, sealing
from boss.core.actors import Actor
from boss.core.models import AuditCheck, AuditEntry
from boss.platform import addresses
from tests import patience


def write(realm_id: int, action: str = "thing.done", subject: object = None) -> None:
    from boss.tenancy.models import Realm

    audit.record(
        actor=Actor.system(realm_id), action=action, subject=Realm.objects.get(pk=realm_id), after={"name": "Łódź"}
    )


def as_superuser(name: str) -> psycopg.Connection[tuple[object, ...]]:
    """Who owns the server: the one that no right can hold back."""
    return psycopg.connect(addresses.admin_dsn(), dbname=name, autocommit=True)


@pytest.fixture
def sealed(real_db: str, cast: object) -> Callable[[], list[sealing.Break]]:
    """A trail of both realms under several seals; calling it verifies."""
    for _batch in range(3):
        for realm in (cast.alpha, cast.beta):  # type: ignore[attr-defined]
            with scoping.realm_transaction(realm.pk):
                write(realm.pk)
        assert patience.seal() > 0
    assert sealing.verify() == []
    return sealing.verify


def test_an_entry_says_from_where_it_was_caused(alpha, system):
    with origin.coming_from("2001:db8::7"):
        write(alpha.pk)
    write(alpha.pk)
    assert list(AuditEntry.objects.order_by("-id").values_list("address", flat=True)[:2]) == [None, "2001:db8::7"]


def test_what_is_named_like_a_secret_is_masked(alpha, system):
    audit.record(actor=system, action="x", subject=alpha, after={"password": "sesame", "login": {"api_key": "k"}})
    assert AuditEntry.objects.latest("id").after == {"password": "***", "login": {"api_key": "***"}}


def test_nobody_but_the_sealer_seals_and_nobody_at_all_can_change_the_trail(real_db, cast):
    attacks = [
        (role, attack.format(table))
        for role in ("default", "system")
        for table in ("core_auditentry", "core_auditseal", "core_auditcheck")
        for attack in ("UPDATE {} SET realm_id = 1", "DELETE FROM {}", "TRUNCATE {}")
    ]
    attacks += [
        ("default", "INSERT INTO core_auditseal (realm_id) VALUES (1)"),
        ("system", "INSERT INTO core_auditseal (realm_id) VALUES (1)"),
        ("seal", "UPDATE core_auditentry SET action = 'x'"),
        ("seal", "UPDATE core_auditseal SET hash = ''"),
        ("seal", "DELETE FROM core_auditseal"),
        ("seal", "SELECT * FROM tenancy_user"),
    ]
    for role, attack in attacks:
        with (
            scoping.enter(scoping.Scope(cast.alpha.pk)),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(using=role),
            connections[role].cursor() as cursor,
        ):
            cursor.execute(attack)


def test_a_seal_covers_every_column_of_an_entry():
    """A new column needs a form of its own in ``sealing.FORMS``, or it could be changed unseen."""
    columns = {field.column for field in AuditEntry._meta.concrete_fields}
    assert set(sealing.FORMS[sealing.NEWEST_FORM]) == columns


def test_each_entry_is_sealed_once_whoever_writes_at_the_same_time(real_db, cast):
    """Four writers that roll back now and then, a sealer among them: nothing is left out, nothing sealed twice."""
    realm_ids = (cast.alpha.pk, cast.beta.pk)
    chance = random.Random(4)

    class Rolled(Exception):
        pass

    def work(seed: int) -> None:
        mine = random.Random(seed)
        for _turn in range(25):
            try:
                with scoping.realm_transaction(mine.choice(realm_ids)):
                    for _row in range(mine.randint(1, 4)):
                        write(scoping.current_realm_id())
                    if mine.random() < 0.2:
                        raise Rolled
            except Rolled:
                pass
        connections.close_all()

    writers = [threading.Thread(target=work, args=(chance.random(),)) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        sealing.seal()
    patience.seal()
    with connections["seal"].cursor() as cursor:
        cursor.execute("SELECT count(*), (SELECT sum(rows) FROM core_auditseal) FROM core_auditentry")
        written, covered = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM core_auditentry e JOIN core_auditseal s ON s.realm_id = e.realm_id"
            " AND s.epoch = e.epoch AND e.tx >= s.tx_from AND e.tx < s.tx_to"
        )
        assert written == covered == cursor.fetchone()[0] > 100
    assert sealing.verify() == []


def test_an_entry_of_a_transaction_still_open_is_sealed_later(real_db, cast):
    patience.until_older_transactions_end()
    with scoping.realm_transaction(cast.alpha.pk):
        write(cast.alpha.pk, "slow.begun")
        assert sealing.seal() > 0  # the cast's own
        assert sealing.seal() == 0
    assert patience.seal() == 1
    assert sealing.verify() == []


def test_whatever_the_servers_owner_changes_is_found_and_named(sealed, real_db, cast):
    with as_superuser(real_db) as connection:
        for table in ("entry", "seal"):
            connection.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM core_audit{table}")
        (first, last) = connection.execute(
            "SELECT first_id, last_id FROM core_auditseal WHERE realm_id = %s AND number = 2", (cast.alpha.pk,)
        ).fetchone() or (0, 0)
        of_alpha = f"realm_id = {cast.alpha.pk} AND number = 2"
        for attack, named, reason in (
            (f"UPDATE core_auditentry SET after = '{{}}' WHERE id = {first}", {2}, "changed, removed or added"),
            (f"UPDATE core_auditentry SET at = at + interval '1 us' WHERE id = {first}", {2}, "changed, removed or"),
            (f"DELETE FROM core_auditentry WHERE id = {first}", {2}, "1 sealed, 0 found"),
            (
                "CREATE TEMP TABLE forged AS SELECT * FROM core_auditentry WHERE id = "
                f"{first}; UPDATE forged SET id = 999999; INSERT INTO core_auditentry SELECT * FROM forged",
                {2},
                "1 sealed, 2 found",
            ),
            (f"UPDATE core_auditseal SET hash = sha256('forged') WHERE {of_alpha}", {2, 3}, "was changed"),
            (f"DELETE FROM core_auditseal WHERE {of_alpha}", {3}, "the seals 2 to 2 before it are gone"),
        ):
            connection.execute(attack)
            found = sealed()
            assert ({each.realm for each in found}, {each.number for each in found}) == ({"alpha"}, named), attack
            assert reason in found[0].reason
            if named == {2}:
                assert found[0].rows == (first, last)
                with pytest.raises(SystemExit) as ended:
                    call_command("audit_verify", stdout=(out := io.StringIO()))
                assert ended.value.code == 1
                assert f"alpha: seal 2 (entries {first} to {last})" in out.getvalue()
            sealing.check()
            with scoping.realm_transaction(cast.alpha.pk):
                assert {each["seal"] for each in AuditCheck.objects.get().breaks} == named
            with scoping.realm_transaction(cast.beta.pk):
                assert AuditCheck.objects.get().breaks == []
            for table in ("entry", "seal"):
                connection.execute(f"DELETE FROM core_audit{table}")
                connection.execute(f"INSERT INTO core_audit{table} SELECT * FROM kept_{table}")
            assert sealed() == []


def test_a_cut_tail_is_found_by_the_hash_kept_outside(sealed, real_db, cast, tmp_path):
    kept = tmp_path / "heads"
    out = io.StringIO()
    call_command("audit_verify", "--heads", stdout=out)
    kept.write_text(out.getvalue())
    call_command("audit_verify", "--kept", str(kept), stdout=io.StringIO())  # as it was: no complaint
    with as_superuser(real_db) as connection:
        connection.execute(
            "DELETE FROM core_auditentry e USING core_auditseal s WHERE s.realm_id = e.realm_id"
            " AND s.number = 3 AND e.tx >= s.tx_from"
        )
        connection.execute("DELETE FROM core_auditseal WHERE number = 3")
    assert sealed() == []  # a chain alone does not see it
    with pytest.raises(SystemExit):
        call_command("audit_verify", "--kept", str(kept), stdout=(said := io.StringIO()))
    assert "its tail was cut" in said.getvalue()


def test_after_a_restore_from_a_dump_sealing_stops_until_migrate_opens_an_epoch(sealed, real_db, cast):
    """A dump keeps rows and seals; the new server's transactions begin to count from the start."""
    with as_superuser(real_db) as connection:
        # The same as a server that counts lower: what is there claims to be far ahead.
        far = 10**9
        connection.execute("UPDATE core_auditentry SET tx = tx + %s", (far,))
        connection.execute("DELETE FROM core_auditseal")
        connection.execute("DELETE FROM core_auditcheck")
        connection.execute(
            "INSERT INTO core_auditseal (realm_id, number, epoch, form, tx_from, tx_to, rows, first_id, last_id,"
            " until_at, digest, hash) VALUES (%s, 1, 0, 1, 0, %s, 0, 0, 0, now(), '', '')",
            (cast.beta.pk, far),
        )
    with pytest.raises(sealing.TransactionsWentBack):
        sealing.seal()
    with connections["owner"].cursor() as cursor:
        sealing.settle_epoch(cursor)
        sealing.settle_epoch(cursor)  # once is enough
    with scoping.realm_transaction(cast.alpha.pk):
        write(cast.alpha.pk, "after.restore")
        assert AuditEntry.objects.latest("id").epoch == 1
    assert patience.seal() > 0
    assert sealing.verify(realm="alpha") == []
    with as_superuser(real_db) as connection:
        (epochs,) = connection.execute(
            "SELECT array_agg(epoch ORDER BY number) FROM core_auditseal WHERE realm_id = %s", (cast.alpha.pk,)
        ).fetchone() or ((),)
        assert epochs == [0, 1]
