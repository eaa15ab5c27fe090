"""Room for the word of one receipt key for the next, and for the one that each server accepts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0003_app_key_follows"),
    ]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="receipt_kid",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="receiptsigner",
            name="endorsement",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
