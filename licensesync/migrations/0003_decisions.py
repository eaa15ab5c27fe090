"""What the cloud held when it asked for a decision, and what was decided; old code leaves both empty."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensesync", "0002_license_source"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="decision",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="syncjob",
            name="cloud_held",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
