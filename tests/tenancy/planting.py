"""Rows in every table of two realms, made up column by column: a table that is new tomorrow is planted, too.

A database for one test module, in which nothing but the walls is left standing: checks, keys and triggers are taken
away, for they would ask that made-up rows make sense. The policies, the rights and the columns are the real ones.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, models

from boss.core import walls

ALPHA, BETA = 1_000_001, 1_000_002

_STRIP = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
               WHERE contype IN ('f', 'c', {unique}) AND connamespace = 'public'::regnamespace
               ORDER BY contype = 'f' DESC
  LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', each.t, each.conname); END LOOP;
  FOR each IN SELECT indexrelid::regclass AS i FROM pg_index JOIN pg_class c ON c.oid = indrelid
               WHERE indisunique AND NOT indisprimary AND NOT {indexes} AND c.relnamespace = 'public'::regnamespace
  LOOP EXECUTE format('DROP INDEX %s', each.i); END LOOP;
  FOR each IN SELECT DISTINCT tgrelid::regclass AS t FROM pg_trigger WHERE NOT tgisinternal
  LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', each.t); END LOOP;
END $$
"""
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum
"""
_VALUES = {
    "bigint": "{n}", "integer": "{n}", "smallint": "1", "boolean": "false", "numeric": "1", "double precision": "1",
    "real": "1", "timestamp with time zone": "now()", "date": "current_date", "time without time zone": "'12:00'",
    "interval": "'1 hour'", "jsonb": "'{{}}'", "uuid": "gen_random_uuid()", "bytea": "'\\x{n:04x}'",
    "inet": "'192.0.2.{n}'", "cidr": "'192.0.2.{n}/32'", "macaddr": "'02:00:00:00:00:{n:02x}'",
    "tsvector": "''", "daterange": "'empty'", "tstzrange": "'empty'", "int8range": "'empty'",
}  # fmt: skip


class Planter:
    """Writes rows as the owner of the schema. ``n`` below 200 tells rows of one table apart.

    With ``indexes`` the unique ones stay, for who looks at plans; his rows must then differ where they should.
    """

    def __init__(self, *, indexes: bool = False) -> None:
        self.cursor = connections["owner"].cursor()
        self.cursor.execute(_STRIP.format(unique="'f'" if indexes else "'x', 'u'", indexes=str(indexes).lower()))
        self.cursor.execute(_COLUMNS)
        self.columns: dict[str, dict[str, str]] = {}
        for table, column, kind in self.cursor.fetchall():
            self.columns.setdefault(table, {})[column] = kind
        for realm_id, n in ((ALPHA, 1), (BETA, 2)):
            self.plant("tenancy_realm", n, id=realm_id)

    def plant(self, table: str, n: int, **given: Any) -> None:
        """One row; what is not given is made up. A column of a type not known here fails by name."""
        columns = self.columns[table]
        values = [
            "%s" if column in given else made_up(f"{table}.{column}", kind, n) for column, kind in columns.items()
        ]
        names = ", ".join(f'"{column}"' for column in columns)
        bound = [given[column] for column in columns if column in given]
        self.cursor.execute(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(values)})', bound)

    def many(self, table: str, count: int, *, realm: str = f"{ALPHA} + n % 2 * (1 + n % 49)", **given: str) -> None:
        """``count`` rows by one statement, numbered ``n`` from 1; what is given is SQL about ``n``. If ``realm`` says
        nothing else half of them are alpha's and the others small realms'."""
        columns = {
            name: made_up(f"{table}.{name}", kind, 1)
            for name, kind in self.columns[table].items()
            if name not in ("id", "realm_id")
        }
        columns |= {"realm_id": realm, "id": "n"} | given
        if "public_id" in columns:
            columns["public_id"] = "lpad(n::text, 12, '0')"
        self.cursor.execute(
            f'INSERT INTO "{table}" ({", ".join(columns)}) SELECT {", ".join(columns.values())}'
            f" FROM generate_series(1, {count}) n"
        )
        self.cursor.execute(f'VACUUM ANALYZE "{table}"')


def made_up(where: str, kind: str, n: int) -> str:
    if kind.endswith("[]"):
        return "'{}'"
    if kind == "text" or kind.startswith("character varying"):
        return f"'{n}'"
    plain = kind.split("(")[0]
    assert plain in _VALUES, f"{where} is a {kind}: say in tests/tenancy/planting.py, _VALUES, what such a value is"
    return _VALUES[plain].format(n=n)


def one_row_of_every_table_in_both_realms(planter: Planter) -> list[type[models.Model]]:
    scoped = walls.scoped_models()
    for model in scoped:
        for realm_id, n in ((ALPHA, 1), (BETA, 2)):
            given = {"realm_id": realm_id}
            if model._meta.pk.column != "realm_id" and planter.columns[model._meta.db_table].get("id") == "bigint":
                given["id"] = realm_id
            planter.plant(model._meta.db_table, n, **given)
    return scoped
