"""Former passwords, known addresses, and failures by address."""

from django.db import models


class FormerPassword(models.Model):
    """A hash that the user may not choose again for a while."""

    user = models.ForeignKey("identity.User", models.CASCADE, related_name="former_passwords")
    password = models.CharField(max_length=128, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"of {self.user_id}"


class KnownAddress(models.Model):
    """An address from which a user signed in lately, as a digest, and its failures since: it is locked by itself."""

    user = models.ForeignKey("identity.User", models.CASCADE, related_name="known_addresses")
    digest = models.CharField(max_length=32, editable=False)
    seen_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="known_address_of_user_once")]

    def __str__(self) -> str:
        return f"of {self.user_id}"


class AddressSlot(models.Model):
    """Failures of the addresses that fall into one slot. All slots are there from the start: strangers add no rows."""

    id = models.IntegerField(primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.id)
