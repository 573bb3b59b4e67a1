"""The second wall, raised from the models: row-level security, composite foreign keys, rights.

Runs after every ``migrate`` as the owner of the schema and is idempotent, so no table can be forgotten:
whatever inherits :class:`RealmScoped` gets its policy, and whatever grants the model does not name is refused.
``faults()`` is the independent check of the result, run at start and in the tests as the application role.
Measured: ``security_reliability.md`` 1.2 to 1.6 (the policy text is exact on purpose: other spellings cost up to 100x).
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from boss.core import sealing
from boss.core.scoping import RealmScoped

_WALL = "realm_id = NULLIF(current_setting('boss.realm_id', true), '')::bigint"
_REALM_TABLE = "tenancy_realm"
# Tables without a realm that the application may read; all other unscoped tables stay closed to it.
_PORTAL = "boss_portal"
_DISPATCH = "boss_dispatch"
_READABLE = ("django_migrations", "django_content_type", "auth_permission", "tenancy_realmhost")


def after_migrate(using: str, app_config: Any, **kwargs: Any) -> None:
    """post_migrate handler; runs once per app, acts on the last one."""
    # Django sends the signal only for apps that have models.
    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if using == "owner" and app_config is last and _REALM_TABLE in connections[using].introspection.table_names():
        raise_walls(connections[using])


def scoped_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if issubclass(model, RealmScoped) and model._meta.managed]


def raise_walls(connection: BaseDatabaseWrapper) -> None:
    """Bring every table's policy, foreign keys and rights to what the models declare."""
    present = set(connection.introspection.table_names())
    statements = [
        "GRANT USAGE ON SCHEMA public TO boss_app, boss_system, boss_seal, boss_dispatch",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {_DISPATCH}",
    ]
    statements += _unscoped_rights(present)
    statements += _wall(
        _REALM_TABLE,
        _WALL.replace("realm_id", "id", 1),
        "SELECT, UPDATE",
        seal="SELECT (id, key)",
        dispatch="SELECT (id)",
    )
    scoped = [model for model in scoped_models() if model._meta.db_table in present]
    for model in scoped:
        statements += _wall(
            model._meta.db_table,
            _WALL,
            model.database_rights,  # type: ignore[attr-defined]
            system=model.system_rights,  # type: ignore[attr-defined]
            seal=model.seal_rights,  # type: ignore[attr-defined]
            dispatch=_dispatch_rights(model),
        )
    with connection.cursor() as cursor:
        statements += _portal(cursor, scoped)
    statements += [statement for model in scoped for statement in _search(model)]
    statements.append("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO boss_app, boss_system, boss_seal")
    with connection.cursor() as cursor:
        existing = _constraints(cursor)
        keys = dict(_same_realm_keys(scoped))
        statements += [statement for name, statement in keys.items() if name not in existing]
        # One round trip and one transaction: the wall is whole or as it was.
        cursor.execute(";\n".join(statements))
        if needless := _needless_keys(cursor, scoped, keys):
            cursor.execute(";\n".join(needless))
        if sealing.TABLE in present:
            sealing.settle_epoch(cursor)


def _wall(
    table: str,
    policy: str,
    rights: str,
    *,
    system: str = "SELECT, INSERT, UPDATE, DELETE",
    seal: str = "",
    dispatch: str = "",
) -> list[str]:
    statements = [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'DROP POLICY IF EXISTS realm_wall ON "{table}"',
        f'CREATE POLICY realm_wall ON "{table}" FOR ALL TO boss_app USING ({policy}) WITH CHECK ({policy})',
        f'DROP POLICY IF EXISTS system_all ON "{table}"',
        f'CREATE POLICY system_all ON "{table}" FOR ALL TO boss_system USING (true) WITH CHECK (true)',
        f'REVOKE ALL ON "{table}" FROM boss_app, boss_system, boss_seal',
        f'GRANT {rights} ON "{table}" TO boss_app',
        f'GRANT {system} ON "{table}" TO boss_system',
        f'DROP POLICY IF EXISTS seal_all ON "{table}"',
        f'DROP POLICY IF EXISTS dispatch_all ON "{table}"',
    ]
    for name, role, given in (("seal_all", "boss_seal", seal), ("dispatch_all", _DISPATCH, dispatch)):
        if given:
            statements.append(f'CREATE POLICY {name} ON "{table}" FOR ALL TO {role} USING (true) WITH CHECK (true)')
            statements.append(f'GRANT {given} ON "{table}" TO {role}')
    return statements


def _search(model: type[models.Model]) -> list[str]:
    """The function that looks for a part of a text, with its owner's rights: the operators that use a trigram index are
    not among those Postgres trusts below a policy. It takes the realm from the transaction and gives ids; whoever
    calls it reads them through the walls. The list is made before it is cut, or the planner would walk the realm's
    rows in the hope of meeting enough."""
    columns: tuple[str, ...] = model.searched  # type: ignore[attr-defined]
    if not columns:
        return []
    table = model._meta.db_table
    pattern = "'%' || replace(replace(replace(sought, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'"
    fits = " OR ".join(f'"{column}" ILIKE {pattern}' for column in columns)
    indexed = ", ".join(f'"{column}" gin_trgm_ops' for column in columns)
    found = f'SELECT id FROM public."{table}" WHERE {_WALL} AND ({fits})'  # noqa: S608 - names of models
    body = f"WITH found AS MATERIALIZED ({found}) SELECT id FROM found ORDER BY id DESC LIMIT most"  # noqa: S608
    return [
        f'CREATE INDEX IF NOT EXISTS "wall_search_{table}" ON "{table}" USING gin ({indexed})',
        f'CREATE OR REPLACE FUNCTION "search_{table}"(sought text, most integer) RETURNS SETOF bigint'
        f" LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$ {body} $$",
        f'REVOKE ALL ON FUNCTION "search_{table}" FROM PUBLIC',
        f'GRANT EXECUTE ON FUNCTION "search_{table}" TO boss_app',
    ]


def found_by_part(model: type[models.Model], text: str, most: int) -> list[int]:
    """Ids of the realm's rows with ``text`` in a column of ``searched``, newest first. Read them by ``visible_to``."""
    with connections["default"].cursor() as cursor:
        cursor.execute(f'SELECT "search_{model._meta.db_table}"(%s, %s)', [text, most])
        return [row[0] for row in cursor.fetchall()]


def _dispatch_rights(model: type[models.Model]) -> str:
    """What the dispatcher may do to the table, column by column; nothing where the model says nothing."""
    rights = [
        f"{verb} ({', '.join(columns)})"
        for verb, columns in (
            ("SELECT", model.dispatch_reads),  # type: ignore[attr-defined]
            ("UPDATE", model.dispatch_writes),  # type: ignore[attr-defined]
        )
        if columns
    ]
    return ", ".join(rights + ["DELETE"] * model.dispatch_deletes)  # type: ignore[attr-defined]


def _portal(cursor: Any, scoped: list[type[models.Model]]) -> list[str]:
    """What the role of customers' requests may read: the realm's rows that ``scope_paths`` give to him, and no more.

    It logs in nowhere and writes nothing; ``boss_app`` steps into it (``scoping.as_customer``).
    """
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_PORTAL])
    if cursor.fetchone() is None:
        return []  # an older installation, until its roles are completed; the check at start says so
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {_PORTAL}",
        f"GRANT USAGE ON SCHEMA public TO {_PORTAL}",
    ]
    statements += _portal_wall(_REALM_TABLE, _WALL.replace("realm_id", "id", 1), "SELECT")
    for model in scoped:
        table = model._meta.db_table
        statements.append(f'DROP POLICY IF EXISTS portal_wall ON "{table}"')
        if model.portal_reads:  # type: ignore[attr-defined]
            hidden = model.portal_hidden  # type: ignore[attr-defined]
            shown = [f'"{field.column}"' for field in model._meta.local_concrete_fields if field.name not in hidden]
            rights = f"SELECT ({', '.join(shown)})" if hidden else "SELECT"
            statements += _portal_wall(table, portal_policy(model), rights)
    return statements


def _portal_wall(table: str, policy: str, rights: str) -> list[str]:
    return [
        f'DROP POLICY IF EXISTS portal_wall ON "{table}"',
        f'CREATE POLICY portal_wall ON "{table}" FOR SELECT TO {_PORTAL} USING ({policy})',
        f'GRANT {rights} ON "{table}" TO {_PORTAL}',
    ]


_REACH = {
    "own": "{column} = NULLIF(current_setting('boss.user_id', true), '')::bigint",
    "organization": "{column} = ANY (string_to_array(current_setting('boss.organization_ids', true), ',')::bigint[])",
    "site": "{column} = ANY (string_to_array(current_setting('boss.site_ids', true), ',')::bigint[])",
    "building": "{column} = ANY (string_to_array(current_setting('boss.building_ids', true), ',')::bigint[])",
}


_READS = "'{kind}:{table}' = ANY (string_to_array(current_setting('boss.reads', true), ','))"


def portal_policy(model: type[models.Model]) -> str:
    """The realm, and one of the paths: the first wall's own, written in the words of the database.

    Paths of narrower grants count only for the tables that such a grant lets him read (``scoping.Customer.reads``).
    """
    paths: dict[str, str] = model.scope_paths  # type: ignore[attr-defined]
    if not paths or model.portal_whole:  # type: ignore[attr-defined]
        return _WALL
    condition = model.portal_condition  # type: ignore[attr-defined]
    limits = model.portal_limits  # type: ignore[attr-defined]
    ways = []
    for kind, path in sorted(paths.items()):
        way = _way(model, path.split("__"), _REACH[kind])
        if kind != "own":
            # What an organization's people see of it is not everything that hangs on it: residents' accounts do, too.
            way = f"{_READS.format(kind=kind, table=model._meta.db_table)} AND {way}"
        ways.append(f"({way} AND {limits[kind]})" if kind in limits else f"({way})")
    return f"{_WALL} AND ({' OR '.join(dict.fromkeys(ways))})" + (f" AND {condition}" if condition else "")


def _way(model: type[models.Model], parts: list[str], reach: str) -> str:
    """One path as a condition; what lies on the way is looked up behind its own policy."""
    first, *rest = parts
    table = model._meta.db_table
    if not rest:
        column = str(model._meta.pk.column) if first == "pk" else first
        return reach.format(column=f'"{table}"."{column}"')
    step: Any = model._meta.get_field(first)
    other = step.related_model._meta
    beyond = _way(step.related_model, rest, reach)
    looked_up = f'SELECT "{other.pk.column}" FROM "{other.db_table}" WHERE {beyond}'  # noqa: S608 - names of models
    return f'"{table}"."{step.column}" IN ({looked_up})'


def _unscoped_rights(present: set[str]) -> list[str]:
    scoped = {model._meta.db_table for model in scoped_models()} | {_REALM_TABLE}
    statements = []
    for table in sorted(present - scoped):
        statements.append(f'REVOKE ALL ON "{table}" FROM boss_app, boss_system')
        statements.append(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO boss_system')
        if table in _READABLE:
            statements.append(f'GRANT SELECT ON "{table}" TO boss_app')
    return statements


def _constraints(cursor: Any) -> set[str]:
    cursor.execute("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace")
    return {row[0] for row in cursor.fetchall()}


def _name(kind: str, table: str, column: str) -> str:
    # 63 bytes is Postgres's limit; the table's tail keeps names apart.
    return f"wall_{kind}_{table}_{column}"[:63]


def _same_realm_keys(scoped: list[type[models.Model]]) -> list[tuple[str, str]]:
    """Foreign key checks bypass row-level security, so a plain key would accept another realm's row."""
    tables = {model._meta.db_table: str(model._meta.pk.column) for model in scoped}
    keys: list[tuple[str, str]] = []
    for table, key in sorted(tables.items()):
        unique = _name("id", table, "")
        keys.append((unique, f'ALTER TABLE "{table}" ADD CONSTRAINT "{unique}" UNIQUE (realm_id, "{key}")'))
    for model in scoped:
        table = model._meta.db_table
        references = [field for field in _references(model) if field.related_model._meta.db_table in tables]
        if all(field.null or field.related_model is model for field in references):
            realm = _name("realm", table, "")
            reference = f'FOREIGN KEY (realm_id) REFERENCES "{_REALM_TABLE}" (id) DEFERRABLE INITIALLY DEFERRED'
            keys.append((realm, f'ALTER TABLE "{table}" ADD CONSTRAINT "{realm}" {reference}'))
        for field in references:
            name, target = _name("fk", table, field.column), field.related_model._meta.db_table
            keys.append(
                (
                    name,
                    f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" FOREIGN KEY (realm_id, "{field.column}") '
                    f'REFERENCES "{target}" (realm_id, "{tables[target]}") DEFERRABLE INITIALLY DEFERRED',
                )
            )
    return keys


def _references(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    return [field for field in model._meta.local_fields if isinstance(field, models.ForeignKey)]


def _needless_keys(cursor: Any, scoped: list[type[models.Model]], wanted: dict[str, str]) -> list[str]:
    """Drop what the keys with the realm say already: Django's key on the same column alone, and the key to the realm
    where a row that must be referred to has the same realm.

    Every key costs a look-up and a row lock for every row written, and the locks on the one row of a busy realm are
    what writers would queue for.
    """
    tables = [model._meta.db_table for model in scoped]
    cursor.execute(
        """
        SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
         WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.conrelid::regclass::text = ANY (%s)
           AND (EXISTS (SELECT 1 FROM pg_constraint wide WHERE wide.contype = 'f' AND wide.conrelid = k.conrelid
                           AND wide.confrelid = k.confrelid AND cardinality(wide.conkey) = 2
                           AND wide.conkey @> k.conkey)
                OR (k.conname LIKE 'wall\\_realm\\_%%' AND NOT k.conname = ANY (%s)))
        """,
        (tables, list(wanted)),
    )
    return [f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"' for table, name in cursor.fetchall()]


FAULTS = """
SELECT 'role can bypass', current_user::text FROM pg_roles WHERE rolname=current_user AND (rolsuper OR rolbypassrls)
UNION ALL SELECT 'member of', r.rolname::text FROM pg_roles r WHERE r.rolname<>current_user
   AND pg_has_role(current_user,r.oid,'MEMBER')
   AND (r.rolsuper OR r.rolbypassrls OR r.rolname IN ('boss_owner','boss_system','boss_seal','boss_dispatch'))
UNION ALL SELECT 'owns', c.oid::regclass::text FROM pg_class c JOIN pg_roles r ON r.oid=c.relowner
   WHERE r.rolname=current_user AND c.relkind IN ('r','p','v','m','f','S')
UNION ALL SELECT 'may create tables', 'public' WHERE has_schema_privilege(current_user,'public','CREATE')
UNION ALL SELECT 'realm_id without RLS or nullable', c.oid::regclass::text FROM pg_class c
   JOIN pg_attribute a ON a.attrelid=c.oid
    AND a.attname = CASE c.relname WHEN %(realm_table)s THEN 'id' ELSE 'realm_id' END
   WHERE c.relkind IN ('r','p','f') AND has_any_column_privilege(c.oid,'SELECT')
   AND (NOT c.relrowsecurity OR NOT a.attnotnull) AND NOT c.relname = ANY (%(readable)s)
UNION ALL SELECT 'open without a realm', c.oid::regclass::text FROM pg_class c
   WHERE c.relkind IN ('r','p','f')
   AND c.relnamespace NOT IN ('pg_catalog'::regnamespace,'information_schema'::regnamespace)
   AND (has_any_column_privilege(c.oid,'SELECT') OR has_any_column_privilege(c.oid,'INSERT')
     OR has_any_column_privilege(c.oid,'UPDATE') OR has_table_privilege(c.oid,'DELETE'))
   AND NOT (c.relname = ANY (%(readable)s) OR c.relname = %(realm_table)s)
   AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid=c.oid AND a.attname='realm_id')
UNION ALL SELECT 'policy is not the wall', p.polrelid::regclass||'.'||p.polname FROM pg_policy p
   CROSS JOIN LATERAL (SELECT '(' || CASE p.polrelid::regclass::text WHEN %(realm_table)s THEN 'id' ELSE 'realm_id' END
     || ' = (NULLIF(current_setting(''boss.realm_id''::text, true), ''''::text))::bigint)' AS text) wall
   WHERE p.polpermissive AND EXISTS (SELECT 1 FROM unnest(p.polroles) AS role
     WHERE role=0 OR pg_has_role(current_user,role,'USAGE'))
   AND (pg_get_expr(p.polqual,p.polrelid) IS DISTINCT FROM wall.text
     OR COALESCE(pg_get_expr(p.polwithcheck,p.polrelid),wall.text) <> wall.text)
UNION ALL SELECT 'view runs as owner', c.oid::regclass::text FROM pg_class c WHERE c.relkind='v'
   AND c.relnamespace='public'::regnamespace AND has_any_column_privilege(c.oid,'SELECT')
   AND NOT COALESCE('security_invoker=true'=ANY(c.reloptions),false)
UNION ALL SELECT 'matview', c.oid::regclass::text FROM pg_class c
   WHERE c.relkind='m' AND has_any_column_privilege(c.oid,'SELECT')
UNION ALL SELECT 'definer fn', p.oid::regprocedure::text FROM pg_proc p
   WHERE p.prosecdef AND p.prorettype<>'trigger'::regtype AND has_function_privilege(p.oid,'EXECUTE')
   AND p.pronamespace NOT IN ('pg_catalog'::regnamespace,'information_schema'::regnamespace)
   AND NOT (p.proname LIKE 'search\\_%%' AND EXISTS (SELECT 1 FROM unnest(p.proconfig) x WHERE x LIKE 'search_path=%%'))
UNION ALL SELECT 'truncate/trigger/references granted', c.oid::regclass::text FROM pg_class c
   WHERE c.relkind IN ('r','p') AND c.relnamespace='public'::regnamespace
   AND (has_table_privilege(c.oid,'TRUNCATE') OR has_table_privilege(c.oid,'TRIGGER')
     OR has_any_column_privilege(c.oid,'REFERENCES'))
UNION ALL SELECT 'FK without realm_id', k.conrelid::regclass||'.'||k.conname FROM pg_constraint k WHERE k.contype='f'
   AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid=k.conrelid AND attname='realm_id')
   AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid=k.confrelid AND attname='realm_id')
   AND NOT EXISTS (SELECT 1 FROM pg_constraint k2 WHERE k2.contype='f' AND k2.conrelid=k.conrelid
     AND k2.confrelid=k.confrelid AND k2.conkey @> k.conkey AND cardinality(k2.conkey)>1)
UNION ALL SELECT 'no portal role', %(portal)s::text
   WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname=%(portal)s::text AND pg_has_role('boss_app',oid,'MEMBER'))
UNION ALL SELECT 'portal role can log in or bypass', rolname::text FROM pg_roles WHERE rolname=%(portal)s::text
   AND (rolcanlogin OR rolsuper OR rolbypassrls)
UNION ALL SELECT 'portal role can write', c.oid::regclass::text FROM pg_class c
   JOIN pg_roles r ON r.rolname=%(portal)s::text WHERE c.relkind IN ('r','p','v')
   AND c.relnamespace='public'::regnamespace AND (has_any_column_privilege(r.oid,c.oid,'INSERT')
     OR has_any_column_privilege(r.oid,c.oid,'UPDATE') OR has_table_privilege(r.oid,c.oid,'DELETE')
     OR has_table_privilege(r.oid,c.oid,'TRUNCATE'))
UNION ALL SELECT 'portal policy without the realm', p.polrelid::regclass||'.'||p.polname FROM pg_policy p
   JOIN pg_roles r ON r.rolname=%(portal)s::text AND r.oid=ANY(p.polroles)
   WHERE p.polpermissive AND pg_get_expr(p.polqual,p.polrelid) NOT LIKE
     '%%(' || CASE p.polrelid::regclass::text WHEN %(realm_table)s THEN 'id' ELSE 'realm_id' END
     || ' = (NULLIF(current_setting(''boss.realm_id''::text, true), ''''::text))::bigint)%%'
UNION ALL SELECT 'no dispatch role', %(dispatch)s::text
   WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname=%(dispatch)s::text)
UNION ALL SELECT 'dispatch role can bypass or become another', d.rolname::text FROM pg_roles d
   WHERE d.rolname=%(dispatch)s::text AND (d.rolsuper OR d.rolbypassrls
     OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member=d.oid))
UNION ALL SELECT 'dispatch role is given more than the models say', c.relname||'.'||a.attname||' '||verb
   FROM pg_roles d CROSS JOIN pg_class c JOIN pg_attribute a ON a.attrelid=c.oid AND a.attnum>0 AND NOT a.attisdropped
   CROSS JOIN unnest(ARRAY['SELECT','INSERT','UPDATE','REFERENCES']) AS verb
   WHERE d.rolname=%(dispatch)s::text AND c.relkind IN ('r','p','v','m','f')
   AND c.relnamespace='public'::regnamespace AND has_column_privilege(d.oid,c.oid,a.attnum,verb)
   AND NOT c.relname||'.'||a.attname||' '||verb = ANY (%(dispatched)s)
UNION ALL SELECT 'dispatch role is given more than the models say', c.relname||' '||verb FROM pg_roles d
   CROSS JOIN pg_class c CROSS JOIN unnest(ARRAY['DELETE','TRUNCATE','TRIGGER']) AS verb
   WHERE d.rolname=%(dispatch)s::text AND c.relkind IN ('r','p','v','m','f')
   AND c.relnamespace='public'::regnamespace AND has_table_privilege(d.oid,c.oid,verb)
   AND NOT c.relname||' '||verb = ANY (%(dispatched)s)
"""
"""One query; each arm names one kind of hole and where it is. ``known_tables`` fills it in."""


def known_tables() -> dict[str, str | list[str]]:
    """What ``FAULTS`` must be told: tables that are walled or open in a way of their own."""
    return {
        "realm_table": _REALM_TABLE,
        "readable": list(_READABLE),
        "portal": _PORTAL,
        "dispatch": _DISPATCH,
        "dispatched": sorted(dispatched()),
    }


def dispatched() -> set[str]:
    """Everything the dispatcher is given, as ``table.column VERB`` or ``table DELETE``."""
    given = {f"{_REALM_TABLE}.id SELECT"}
    for model in scoped_models():
        table = model._meta.db_table
        given |= {f"{table}.{column} SELECT" for column in model.dispatch_reads}  # type: ignore[attr-defined]
        given |= {f"{table}.{column} UPDATE" for column in model.dispatch_writes}  # type: ignore[attr-defined]
        given |= {f"{table} DELETE"} if model.dispatch_deletes else set()  # type: ignore[attr-defined]
    return given


def faults(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Holes in the second wall as seen by the connected role. Empty means it stands."""
    with connection.cursor() as cursor:
        cursor.execute(FAULTS, known_tables())
        return [(row[0], row[1]) for row in cursor.fetchall()]
