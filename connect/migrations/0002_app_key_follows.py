"""Room for the App key that follows; old code leaves it empty."""

import enterprises.secrets
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="next_app_key",
            field=enterprises.secrets.EncryptedTextField(blank=True, db_default="", default=""),
        ),
    ]
