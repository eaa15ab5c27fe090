"""What each change of the books did: numbers by revision, and by person for as long as the person is there."""

import enterprises.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0004_receipt_keys_follow"),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.BigIntegerField()),
                ("accounts", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField()),
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
                ("hostname", enterprises.fields.CodePointTextField(blank=True, db_default="", default="")),
                ("snapshot_id", models.UUIDField(null=True)),
                ("accounts_added", models.PositiveIntegerField(db_default=0, default=0)),
                ("accounts_changed", models.PositiveIntegerField(db_default=0, default=0)),
                ("accounts_removed", models.PositiveIntegerField(db_default=0, default=0)),
                ("people_added", models.PositiveIntegerField()),
                ("people_split", models.PositiveIntegerField()),
                ("people_removed", models.PositiveIntegerField()),
                ("people_merged", models.PositiveIntegerField()),
                ("people_matched", models.PositiveIntegerField()),
                ("people_unmatched", models.PositiveIntegerField()),
                ("licenses_added", models.PositiveIntegerField()),
                ("licenses_removed", models.PositiveIntegerField()),
                ("licenses_before", models.PositiveIntegerField()),
                ("licenses_after", models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="consumedlicense",
            name="came_by_move",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="consumedlicense",
            name="since_revision",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="intake",
            name="samples",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(fields=["ledger", "since_revision"], name="license_since"),
        ),
        migrations.AddField(
            model_name="personchange",
            name="ledger",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=models.CASCADE, related_name="+", to="cloud.ledger"
            ),
        ),
        migrations.AddField(
            model_name="personchange",
            name="license",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=models.CASCADE,
                related_name="changes",
                to="cloud.consumedlicense",
            ),
        ),
        migrations.AddField(
            model_name="revision",
            name="installation",
            field=models.ForeignKey(
                null=True, on_delete=models.SET_NULL, related_name="revisions", to="cloud.installation"
            ),
        ),
        migrations.AddField(
            model_name="revision",
            name="ledger",
            field=models.ForeignKey(
                db_index=False, on_delete=models.CASCADE, related_name="revisions", to="cloud.ledger"
            ),
        ),
        migrations.AddIndex(
            model_name="personchange",
            index=models.Index(fields=["license", "revision"], name="person_change_person"),
        ),
        migrations.AddIndex(
            model_name="personchange",
            index=models.Index(fields=["ledger", "revision"], name="person_change_revision"),
        ),
        migrations.AddConstraint(
            model_name="revision",
            constraint=models.UniqueConstraint(models.F("ledger"), models.F("number"), name="revision_ledger_number"),
        ),
    ]
