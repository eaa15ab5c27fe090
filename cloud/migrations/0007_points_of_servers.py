"""What each server had on each day: its accounts, and the licenses that only it adds."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0006_suspects"),
    ]

    operations = [
        migrations.CreateModel(
            name="InstallationPoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("accounts", models.PositiveIntegerField()),
                ("added_licenses", models.PositiveIntegerField()),
                (
                    "installation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="points",
                        to="cloud.installation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("installation"), models.F("day"), name="installation_point_day"),
                ],
            },
        ),
    ]
