"""Room for who says what a license is, and since when; old code leaves both as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensesync", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="license",
            name="read_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="license",
            name="source",
            field=models.CharField(
                choices=[("form", "Entered by hand"), ("ghes", "Read from GHES")],
                db_default="form",
                default="form",
                max_length=8,
            ),
        ),
    ]
