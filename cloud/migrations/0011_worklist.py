"""What was decided about pairs of people who are probably one, and the savings that were proved."""

import django.db.models.deletion
import enterprises.fields

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0010_domain_challenges"),
    ]

    operations = [
        migrations.CreateModel(
            name="Saving",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.BigIntegerField()),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("sync", "License sync"),
                            ("members", "Import of members"),
                            ("removal", "Server removed"),
                            ("rename", "Server renamed"),
                            ("recount", "Recount"),
                        ],
                        max_length=8,
                    ),
                ),
                ("hostname", enterprises.fields.CodePointTextField(blank=True)),
                ("entries", models.PositiveIntegerField()),
                ("licenses", models.PositiveIntegerField()),
                ("entries_parted", models.PositiveIntegerField()),
                ("licenses_back", models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="suspect",
            name="awaited",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="suspect",
            name="parted_revision",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="suspect",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "No reason"),
                    ("different", "They are two people"),
                    ("machine", "One of them is a machine account"),
                    ("wanted", "One person, and both licenses are wanted"),
                ],
                db_default="",
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="suspect",
            name="returned_revision",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="suspect",
            index=models.Index(fields=["ledger", "closed_revision"], name="suspect_closed"),
        ),
        migrations.AddIndex(
            model_name="suspect",
            index=models.Index(fields=["ledger", "parted_revision"], name="suspect_parted"),
        ),
        migrations.AddField(
            model_name="saving",
            name="ledger",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="savings", to="cloud.ledger"
            ),
        ),
        migrations.AddConstraint(
            model_name="saving",
            constraint=models.UniqueConstraint(models.F("ledger"), models.F("revision"), name="saving_once"),
        ),
    ]
