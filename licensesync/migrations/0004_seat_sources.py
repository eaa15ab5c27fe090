"""Room for where seats are fetched from, and for how a sync refreshed them; old code leaves all of it empty."""

import django.db.models.deletion
import enterprises.secrets
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0002_app_key_follows"),
        ("licensesync", "0003_decisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="refresh_began_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="syncjob",
            name="refreshed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="syncjob",
            name="source_error",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AlterField(
            model_name="seatsource",
            name="kind",
            field=models.CharField(
                choices=[("ghes", "GHES"), ("file", "Watched file"), ("import", "Import")],
                default="import",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="SourceConfig",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("ghes", "GHES"), ("file", "Watched file"), ("import", "Import")],
                        default="import",
                        max_length=16,
                    ),
                ),
                ("base_url", models.CharField(blank=True, max_length=300)),
                ("user_name", models.CharField(blank=True, max_length=100)),
                ("token", enterprises.secrets.EncryptedTextField(blank=True)),
                ("may_be_local", models.BooleanField(default=False)),
                ("path", models.CharField(blank=True, max_length=255)),
                ("requested_at", models.DateTimeField(blank=True, null=True)),
                ("allow_shrink", models.BooleanField(default=False)),
                ("claim", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("attempted_at", models.DateTimeField(blank=True, null=True)),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
                ("took_seconds", models.FloatField(blank=True, null=True)),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error", models.TextField(blank=True)),
                ("license_error", models.CharField(blank=True, max_length=64)),
                ("seen", models.CharField(blank=True, max_length=100)),
                (
                    "requested_by",
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="source_config", to="connect.server"
                    ),
                ),
            ],
        ),
    ]
