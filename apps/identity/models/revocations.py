"""Tokens that were ended before their time."""

from django.db import models


class Revocation(models.Model):
    """One audit id: the token that has it and all tokens made from that one are dead.

    Rows are deleted ALLOW_EXPIRED_SECONDS after the token's expiry, when it can no longer be shown.
    """

    audit_id = models.CharField(primary_key=True, max_length=32)
    user_id = models.CharField(max_length=64)
    revoked_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("-revoked_at",)

    def __str__(self) -> str:
        return self.audit_id
