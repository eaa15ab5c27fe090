"""Usage files as jobs that end with the receipt that somebody carries back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensesync", "0008_previews_omit"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="usage_signature",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="slot",
            field=models.CharField(
                choices=[("sync", "License sync"), ("record", "Connection record"), ("file", "Usage file")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="syncjob",
            name="kind",
            field=models.CharField(
                choices=[
                    ("usage", "License sync"),
                    ("preview", "Preview"),
                    ("record", "Connection record"),
                    ("file", "Usage file"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="syncjob",
            name="slot",
            field=models.CharField(
                choices=[("sync", "License sync"), ("record", "Connection record"), ("file", "Usage file")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="syncjob",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("preparing", "Preparing"),
                    ("uploading", "Uploading"),
                    ("applying", "Applying"),
                    ("exported", "Exported"),
                    ("succeeded", "Succeeded"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="queued",
                max_length=16,
            ),
        ),
    ]
