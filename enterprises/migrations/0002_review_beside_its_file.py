"""Keep what a file would change with the file, and no longer in the session, which outlives it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enterprises", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="stagedupload",
            name="review",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
