"""The cloud account whose receipts come as files, with its pinned keys."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0003_left_on_cloud"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FileAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_slug", models.CharField(max_length=100)),
                ("account_name", models.CharField(blank=True, max_length=200)),
                ("account_kind", models.CharField(blank=True, max_length=16)),
                ("cloud_url", models.URLField(blank=True, max_length=500)),
                ("receipt_keys", models.JSONField(default=list)),
                ("pinned_at", models.DateTimeField()),
                (
                    "pinned_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "server",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="file_account", to="connect.server"
                    ),
                ),
            ],
        ),
    ]
