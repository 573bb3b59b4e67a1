"""Realms made before get the built-in roles and the component switches that came since; all of these are on."""

from django.db import migrations

ROLES = {"property_owner": "Property owner", "partner": "Partner", "subaccount": "Sub-account"}
NEW = ["catalog", "notify", "signup", "selfhelp", "owner"]
KNOWN = ["ticketing", "workflow", "subscribers", "ipservices", *NEW]


def forwards(apps, schema_editor):
    Realm, Role = apps.get_model("tenancy", "Realm"), apps.get_model("tenancy", "Role")
    using = schema_editor.connection.alias
    for realm in Realm.objects.using(using).all():
        for key, name in ROLES.items():
            Role.objects.using(using).get_or_create(
                realm_id=realm.pk, key=key, defaults={"name": name, "built_in": True}
            )
        on = {*realm.components, *NEW}
        realm.components = [key for key in KNOWN if key in on]
        realm.save(using=using, update_fields=["components"])


def backwards(apps, schema_editor):
    """Roles nobody has been given go; switches of components that were not known then do not matter."""
    Role, RoleGrant = apps.get_model("tenancy", "Role"), apps.get_model("tenancy", "RoleGrant")
    using = schema_editor.connection.alias
    held = RoleGrant.objects.using(using).values("role_id")
    Role.objects.using(using).filter(key__in=ROLES, built_in=True).exclude(pk__in=held).delete()


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0003_people_and_roles")]
    operations = [migrations.RunPython(forwards, backwards)]
