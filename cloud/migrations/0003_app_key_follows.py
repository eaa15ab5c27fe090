"""Room for the key that follows an App's; old code leaves it empty."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0002_room_for_updates"),
    ]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="next_app_key",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
