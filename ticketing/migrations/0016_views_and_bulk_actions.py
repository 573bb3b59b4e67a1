"""Saved views of tickets, and actions on many tickets at once."""

import boss.core.scoping
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ticketing", "0015_pools"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("realm_id", models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                (
                    "public_id",
                    models.CharField(
                        default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                (
                    "shared_with",
                    models.CharField(
                        choices=[("nobody", "Only me"), ("pool", "One talent pool"), ("staff", "All staff")],
                        default="nobody",
                        max_length=8,
                        verbose_name="shared with",
                    ),
                ),
                ("filters", models.JSONField(blank=True, default=dict, verbose_name="filters")),
                ("columns", models.JSONField(blank=True, default=list, verbose_name="columns")),
                ("is_board", models.BooleanField(default=False, verbose_name="as a board")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ticketing.talentpool",
                        verbose_name="talent pool",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "permissions": [("share_savedview", "Can share views of tickets with all staff")],
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="TicketBulk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("realm_id", models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                (
                    "public_id",
                    models.CharField(
                        default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True
                    ),
                ),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("take", "Take"),
                            ("assign", "Give to somebody"),
                            ("release", "Put back into the pool"),
                            ("pool", "Move to a pool"),
                            ("priority", "Set the priority"),
                            ("status", "Set the status"),
                            ("note", "Add an internal note"),
                            ("resolve", "Resolve"),
                            ("close", "Close"),
                        ],
                        max_length=8,
                        verbose_name="action",
                    ),
                ),
                ("given", models.JSONField(default=dict)),
                ("key", models.CharField(blank=True, default="", max_length=64)),
                ("asked_by", models.CharField(max_length=200, verbose_name="asked by")),
                ("asked_by_kind", models.CharField(max_length=10)),
                ("asked_by_number", models.BigIntegerField(null=True)),
                ("asked_at", models.DateTimeField(auto_now_add=True, verbose_name="asked")),
                ("total", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="When the sweeper must ring again; null once it is over.", null=True
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
            ],
            options={
                "verbose_name": "action on many tickets",
                "verbose_name_plural": "actions on many tickets",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="ticketing_bulk_due"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("realm_id", "asked_by_kind", "asked_by_number", "key"),
                        name="ticketing_bulk_once",
                        nulls_distinct=False,
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="TicketBulkItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("realm_id", models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ("version", models.PositiveIntegerField()),
                ("position", models.PositiveIntegerField()),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("pending", "To be done"),
                            ("done", "Done"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=8,
                        verbose_name="result",
                    ),
                ),
                ("text", models.TextField(blank=True, default="", verbose_name="what was said")),
                (
                    "bulk",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="ticketing.ticketbulk",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bulk_items",
                        to="ticketing.ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "ticket of an action on many",
                "verbose_name_plural": "tickets of an action on many",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ViewPreference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("realm_id", models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ("arranged", models.JSONField(default=list)),
                (
                    "default_view",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="ticketing.savedview",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "order of saved views",
                "verbose_name_plural": "orders of saved views",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.CheckConstraint(
                condition=models.Q(("shared_with", "pool"), ("pool", None), _connector="XOR"),
                name="ticketing_view_of_a_pool_names_it",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketbulkitem",
            constraint=models.UniqueConstraint(
                fields=("realm_id", "bulk", "ticket"), name="ticketing_bulk_ticket_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="viewpreference",
            constraint=models.UniqueConstraint(fields=("realm_id", "user"), name="ticketing_preference_once"),
        ),
    ]
