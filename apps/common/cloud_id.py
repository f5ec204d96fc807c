"""The cloud's own ID. It is made once, and stays whatever the cloud is called and wherever it answers."""

from apps.common.models import Cloud


def get() -> str:
    """Return the ID; the first caller makes it. 1 query."""
    row = Cloud.objects.first()
    if row is None:
        Cloud.objects.bulk_create([Cloud()], ignore_conflicts=True)
        row = Cloud.objects.get()
    return str(row.uuid)
