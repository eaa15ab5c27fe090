"""The audit log is kept for good: whoever and whatever it names may go, its rows stay as they were written."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from enterprises import append_only


def forbid(_apps, schema_editor):
    append_only.forbid(schema_editor.connection)


def allow(_apps, schema_editor):
    append_only.allow(schema_editor.connection)


def forget_who_is_gone(apps, _schema_editor):
    """On the way back only: the foreign keys want rows to refer to."""
    event = apps.get_model("enterprises", "AuditEvent")
    user, enterprise = (apps.get_model("enterprises", name) for name in ("User", "Enterprise"))
    event.objects.exclude(actor_id__in=user.objects.values("pk")).update(actor=None)
    event.objects.exclude(enterprise_id__in=enterprise.objects.values("pk")).update(enterprise=None)


class Migration(migrations.Migration):
    dependencies = [("enterprises", "0002_review_beside_its_file")]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="audit_events",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="enterprise",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="audit_events",
                to="enterprises.enterprise",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_who_is_gone),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["enterprise", "actor_name", "-at", "-id"], name="audit_event_by_actor"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["enterprise", "action", "-at", "-id"], name="audit_event_by_action"),
        ),
        migrations.RunPython(forbid, allow),
    ]
