from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("licensesync", "0009_usage_files")]

    operations = [
        migrations.AddField(
            model_name="seatsource",
            name="switches",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
    ]
