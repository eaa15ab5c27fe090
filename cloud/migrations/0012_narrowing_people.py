"""What lists of people are narrowed and ordered by: roles as rows, two-factor state, domains, and indexes.

``cloud.tick`` makes the roles of members that an earlier version imported.
"""

import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.text
import enterprises.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cloud", "0011_worklist"),
    ]

    operations = [
        migrations.CreateModel(
            name="MemberRole",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField()),
                ("organization", enterprises.fields.CodePointTextField(blank=True)),
                ("role", enterprises.fields.CodePointTextField()),
            ],
        ),
        migrations.AddField(
            model_name="member",
            name="roles_digest",
            field=models.CharField(db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="member",
            name="two_factor",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.fields.json.KeyTextTransform("two_factor", "details"),
                output_field=models.CharField(max_length=5, null=True),
            ),
        ),
        migrations.AddField(
            model_name="memberaddress",
            name="at_domain",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.text.Substr(
                    "value",
                    django.db.models.functions.text.Length(
                        models.Func(
                            models.F("value"),
                            django.db.models.functions.text.Replace("value", models.Value("@"), models.Value("")),
                            function="RTRIM",
                        )
                    ),
                ),
                output_field=enterprises.fields.CodePointTextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(
                models.F("ledger"),
                models.OrderBy(models.F("server_accounts"), descending=True),
                models.F("label"),
                models.F("person_key"),
                name="license_accounts",
            ),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(
                models.F("ledger"),
                models.OrderBy(
                    models.Func(
                        models.F("since_revision"),
                        output_field=models.BigIntegerField(),
                        template="COALESCE(%(expressions)s, 0)",
                    ),
                    descending=True,
                ),
                models.F("label"),
                models.F("person_key"),
                name="license_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(fields=["ledger", "on_cloud", "server_accounts"], name="license_deployment"),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(
                condition=models.Q(("is_ambiguous", True)), fields=["ledger", "person_key"], name="license_ambiguous"
            ),
        ),
        migrations.AddIndex(
            model_name="consumedlicense",
            index=models.Index(
                condition=models.Q(("is_counted", False)), fields=["ledger", "person_key"], name="license_subscription"
            ),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(fields=["ledger", "two_factor", "number"], name="member_two_factor"),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(
                condition=models.Q(("roles_digest", models.F("digest")), _negated=True),
                fields=["ledger"],
                name="member_old_roles",
            ),
        ),
        migrations.AddIndex(
            model_name="memberaddress",
            index=models.Index(fields=["ledger", "at_domain", "number"], name="member_address_domain"),
        ),
        migrations.AddField(
            model_name="memberrole",
            name="ledger",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="cloud.ledger",
            ),
        ),
        migrations.AddIndex(
            model_name="memberrole",
            index=models.Index(fields=["ledger", "organization", "role", "number"], name="member_role_organization"),
        ),
        migrations.AddIndex(
            model_name="memberrole",
            index=models.Index(fields=["ledger", "role", "number"], name="member_role_role"),
        ),
        migrations.AddConstraint(
            model_name="memberrole",
            constraint=models.UniqueConstraint(
                models.F("ledger"),
                models.F("number"),
                models.F("organization"),
                models.F("role"),
                name="member_role_once",
            ),
        ),
    ]
