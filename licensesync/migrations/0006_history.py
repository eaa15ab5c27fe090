"""What a history needs: the size of what was sent, the key that verified its receipt, and the newest jobs first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensesync", "0005_exclusion_list"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="receipt_key",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="syncjob",
            name="size",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="syncjob",
            index=models.Index(fields=["connection", "-id"], name="sync_job_newest"),
        ),
    ]
