"""Room for whether the company manages its members' accounts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0007_points_of_servers"),
    ]

    operations = [
        migrations.AddField(
            model_name="ledger",
            name="managed_users",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
