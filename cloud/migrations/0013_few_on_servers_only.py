"""A narrower index of deployments: one that a sync need not keep for everybody whose accounts it counts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0012_narrowing_people"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="consumedlicense",
            name="license_deployment",
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(
                condition=models.Q(("on_cloud", False)), fields=["ledger", "person_key"], name="license_server_only"
            ),
        ),
    ]
