"""Why each change of the books changed the number: counts by reason, and the reason of each person who is there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0008_managed_users"),
    ]

    operations = [
        migrations.AddField(
            model_name="revision",
            name="has_reasons",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name="ReasonCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=20)),
                ("people", models.PositiveIntegerField()),
                (
                    "revision",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="reasons",
                        to="cloud.revision",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("revision"), models.F("reason"), name="reason_once"),
                ],
            },
        ),
        migrations.AddField(
            model_name="consumedlicense",
            name="since_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=20),
        ),
        migrations.AddField(
            model_name="personchange",
            name="reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=20),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(fields=["ledger", "since_revision", "since_reason"], name="license_since_reason"),
        ),
        migrations.RemoveIndex(model_name="consumedlicense", name="license_since"),
        migrations.AddIndex(
            model_name="personchange",
            index=models.Index(fields=["ledger", "revision", "reason"], name="person_change_reason"),
        ),
        migrations.RemoveIndex(model_name="personchange", name="person_change_revision"),
    ]
