"""What open tickets were promised before there were clocks stands: their due times become promises by hand."""

from django.db import migrations

# An open ticket that has no answer yet and is due before its solution is owed the first answer then.
FORWARDS = """
INSERT INTO ticketing_slaclock
       (realm_id, ticket_id, kind, round, state, started_at, due_at, pauses_in, is_internal)
SELECT t.realm_id, t.id, promised.kind, 1, 'running', t.opened_at, promised.at, '{}', NOT c.portal_visible
  FROM ticketing_ticket t
  JOIN ticketing_category c ON c.id = t.category_id
 CROSS JOIN LATERAL (VALUES
       ('resolve', t.resolve_due_at),
       ('first', CASE WHEN t.first_response_at IS NULL
                       AND t.due_at < coalesce(t.resolve_due_at, 'infinity') THEN t.due_at END)
       ) promised (kind, at)
 WHERE t.state IN ('new', 'open', 'waiting_customer', 'waiting_other') AND promised.at IS NOT NULL;
INSERT INTO ticketing_slaterm (realm_id, clock_id, since, target, fixed_at, reason, written_at)
SELECT realm_id, id, started_at, interval '0', due_at, '', now() FROM ticketing_slaclock;
"""
BACKWARDS = "DELETE FROM ticketing_slapause; DELETE FROM ticketing_slaterm; DELETE FROM ticketing_slaclock;"


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0007_policies_and_clocks")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
