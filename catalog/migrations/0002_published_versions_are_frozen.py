"""What was sold stays known: the database itself refuses to change a published or retired plan version."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

PARTS = ("catalog_planfeature", "catalog_planoption", "catalog_planprice")

FREEZE = """
CREATE FUNCTION catalog_refuse_frozen_version() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            RAISE EXCEPTION 'plan version % is frozen', OLD.id USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state <> 'draft' AND
       (to_jsonb(NEW) - 'state' - 'retired_at') IS DISTINCT FROM (to_jsonb(OLD) - 'state' - 'retired_at') THEN
        RAISE EXCEPTION 'plan version % is frozen', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION catalog_refuse_frozen_part() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    version bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.plan_version_id ELSE NEW.plan_version_id END;
BEGIN
    IF EXISTS (SELECT 1 FROM catalog_planversion WHERE id = version AND state <> 'draft')
       OR (TG_OP = 'UPDATE' AND OLD.plan_version_id <> NEW.plan_version_id) THEN
        RAISE EXCEPTION 'plan version % is frozen', version USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER frozen_version BEFORE UPDATE OR DELETE ON catalog_planversion
    FOR EACH ROW EXECUTE FUNCTION catalog_refuse_frozen_version();
""" + "".join(
    f"CREATE TRIGGER frozen_part BEFORE INSERT OR UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION catalog_refuse_frozen_part();\n"
    for table in PARTS
)

THAW = (
    "DROP TRIGGER frozen_version ON catalog_planversion;\n"
    + "".join(f"DROP TRIGGER frozen_part ON {table};\n" for table in PARTS)
    + "DROP FUNCTION catalog_refuse_frozen_part();\nDROP FUNCTION catalog_refuse_frozen_version();"
)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("catalog", "0001_initial")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(FREEZE, THAW)]
