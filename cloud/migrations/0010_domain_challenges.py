"""Domains are added with a code, and their records are looked up."""

import django.db.models.deletion
import enterprises.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0009_reasons_of_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DomainChallenge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", enterprises.fields.CodePointTextField()),
                ("code", models.CharField(max_length=64)),
                ("added_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("outcome", models.CharField(blank=True, db_default="", default="", max_length=12)),
                ("check_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("unanswered", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("missing_since", models.DateTimeField(blank=True, null=True)),
                ("lapsed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ledger",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="challenges",
                        to="cloud.ledger",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("ledger"), models.F("domain"), name="domain_challenge_once")
                ],
            },
        ),
    ]
