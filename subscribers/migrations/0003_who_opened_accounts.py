"""Accounts that were opened before orders answered for it: their first order does (ADR 0080)."""

from django.db import migrations

OPENED = """
UPDATE subscribers_account
   SET {column} = first.id
  FROM (SELECT realm_id, account_id, min(id) AS id FROM subscribers_order GROUP BY realm_id, account_id) AS first
 WHERE first.account_id = subscribers_account.id AND first.realm_id = subscribers_account.realm_id AND {there}
"""
NOBODY = "UPDATE subscribers_account SET opened_by_id = NULL, user_made_by_id = NULL"


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0002_orders_about_subscriptions")]

    operations = [
        migrations.RunSQL(
            [
                OPENED.format(column="opened_by_id", there="state = 'active'"),
                OPENED.format(column="user_made_by_id", there="user_id IS NOT NULL"),
            ],
            reverse_sql=NOBODY,
        )
    ]
