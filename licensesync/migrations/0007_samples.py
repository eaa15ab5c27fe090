"""Room for some accounts behind what a sync changed, and for their addresses, which go earlier."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensesync", "0006_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="sample_addresses",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="syncjob",
            name="samples",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
