"""Servers that report by file, and the files on their way in."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0013_few_on_servers_only"),
        ("enterprises", "0004_owners_are_told"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="held_channel",
            field=models.CharField(
                choices=[("wire", "GitHub Connect"), ("file", "Usage file")],
                db_default="wire",
                default="wire",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="installation",
            name="last_channel",
            field=models.CharField(
                choices=[("wire", "GitHub Connect"), ("file", "Usage file")],
                db_default="wire",
                default="wire",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="installation",
            name="receipt",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="intake",
            name="accounts_read",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="intake",
            name="channel",
            field=models.CharField(
                choices=[("wire", "GitHub Connect"), ("file", "Usage file")],
                db_default="wire",
                default="wire",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="intake",
            name="file_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="intake",
            name="header",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="intake",
            name="upload",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="enterprises.stagedupload",
            ),
        ),
        migrations.AddField(
            model_name="intake",
            name="uploaded_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="installation",
            name="app_key",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="installation",
            name="state",
            field=models.CharField(
                choices=[("connected", "Connected"), ("disconnected", "Disconnected"), ("by_file", "Reports by file")],
                default="connected",
                max_length=16,
            ),
        ),
    ]
