"""Credentials that services keep for users: EC2 keys and others."""

from django.db import models


class Credential(models.Model):
    """``blob`` is encrypted. An EC2 key's id is the SHA-256 of its first access key, as in Keystone.

    ``access_hash`` is the SHA-256 of the current
    access key, which the owner may change.

    A credential made with an application credential stays within it, and dies with it.
    """

    id = models.CharField(primary_key=True, max_length=64, editable=False)
    user = models.ForeignKey("identity.User", models.CASCADE, related_name="credentials")
    project = models.ForeignKey("identity.Project", models.CASCADE, null=True, blank=True, related_name="credentials")
    type = models.CharField(max_length=255)
    blob = models.TextField(editable=False)
    access_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)
    application_credential = models.ForeignKey(
        "identity.ApplicationCredential", models.CASCADE, null=True, blank=True, related_name="credentials"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class UsedSignature(models.Model):
    """A signature that gave a token: it gives no second one (OSSA 2020-003). Rows go when they are too old to count."""

    digest = models.CharField(primary_key=True, max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest
