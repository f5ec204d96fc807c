"""Triggers that renew the stamp `hosts` when what the scheduler keeps of hosts and aggregates has changed.

Whoever keeps those facts compares stamps and reads them anew when they differ. The value is a random one: it cannot
come back, whatever is restored or rolled back.
"""

from django.db import migrations

FACTS = ("name", "zone", "arch", "hypervisor_type", "hypervisor_version", "virt_type", "traits", "custom_traits")
CHANGED = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in FACTS)
TABLES = ("scheduling_aggregate", "scheduling_aggregate_hosts")

FUNCTION = """
CREATE FUNCTION scheduling_renew_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO scheduling_stamp (name, value) VALUES ('hosts', gen_random_uuid())
    ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value;
    RETURN NULL;
END $$
"""
ON_HOSTS = f"""
CREATE TRIGGER stamp_changed AFTER UPDATE ON scheduling_host
    FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION scheduling_renew_stamp();
CREATE TRIGGER stamp_listed AFTER INSERT OR DELETE OR TRUNCATE ON scheduling_host
    FOR EACH STATEMENT EXECUTE FUNCTION scheduling_renew_stamp();
"""
ON_OTHERS = "".join(
    f"CREATE TRIGGER stamp_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION scheduling_renew_stamp();\n"
    for table in TABLES
)
NO_TRIGGERS = "DROP FUNCTION scheduling_renew_stamp() CASCADE"


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0002_aggregates")]
    operations = [
        migrations.RunSQL(FUNCTION, NO_TRIGGERS),
        migrations.RunSQL(ON_HOSTS + ON_OTHERS, migrations.RunSQL.noop),
    ]
