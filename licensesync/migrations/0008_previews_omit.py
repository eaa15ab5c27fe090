"""Previews may leave accounts out, and say how many; old code leaves out nobody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensesync", "0007_samples"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="omits",
            field=models.CharField(
                blank=True,
                choices=[("", "Nobody"), ("dormant", "Dormant users that are not on the exclusion list")],
                db_default="",
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="syncjob",
            name="omitted",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
