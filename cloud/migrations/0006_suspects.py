"""Pairs of people who are probably one, and the searches for them."""

import django.db.models.deletion
import enterprises.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0005_changes_by_revision"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Suspect",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity", models.CharField(max_length=64)),
                ("first_key", enterprises.fields.CodePointTextField(blank=True)),
                ("second_key", enterprises.fields.CodePointTextField(blank=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("secondary", "secondary address"),
                            ("unverified", "unverified address"),
                            ("plus_tag", "plus-tag of one address"),
                            ("dots", "dots in one address"),
                            ("local_part", "same name on two domains"),
                        ],
                        max_length=16,
                    ),
                ),
                ("score", models.PositiveSmallIntegerField()),
                ("evidence", models.JSONField(default=list)),
                ("fixes", models.JSONField(default=list)),
                ("licenses_at_stake", models.PositiveSmallIntegerField()),
                ("found_at", models.DateTimeField()),
                ("found_revision", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("waiting", "Waiting for the next sync"),
                            ("confirmed", "Confirmed"),
                            ("gone", "Gone"),
                            ("dismissed", "Dismissed"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("state_at", models.DateTimeField()),
                ("assigned_at", models.DateTimeField(blank=True, null=True)),
                ("closed_revision", models.BigIntegerField(blank=True, null=True)),
                ("licenses_freed", models.PositiveSmallIntegerField(default=0)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "first_license",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="suspects_as_first",
                        to="cloud.consumedlicense",
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suspects",
                        to="cloud.ledger",
                    ),
                ),
                (
                    "second_license",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="suspects_as_second",
                        to="cloud.consumedlicense",
                    ),
                ),
                (
                    "state_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["ledger", "state", "-licenses_at_stake", "-score", "id"], name="suspect_order")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "confirmed"), _negated=True),
                        fields=("ledger", "identity"),
                        name="suspect_pair_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SuspectRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a worker"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                (
                    "step",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not started"),
                            ("read", "Reading addresses"),
                            ("compare", "Comparing addresses"),
                            ("weigh", "Weighing the evidence"),
                            ("write", "Writing the list"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("revision", models.BigIntegerField(default=0)),
                ("basis", models.CharField(blank=True, max_length=80)),
                ("requested_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("claim", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                ("listed", models.PositiveIntegerField(default=0)),
                ("added", models.PositiveIntegerField(default=0)),
                (
                    "ledger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="suspect_runs", to="cloud.ledger"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=("ledger",),
                        name="suspect_run_open_once",
                    )
                ],
            },
        ),
    ]
