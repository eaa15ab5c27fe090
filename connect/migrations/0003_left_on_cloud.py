"""Whether the cloud could not be told of Disable; old code leaves it false."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0002_app_key_follows"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="is_left_on_cloud",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
