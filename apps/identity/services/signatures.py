"""Replay protection: signatures of EC2 keys and passcodes are good once."""

import hashlib
from datetime import timedelta

from django.utils import timezone

from apps.identity.models import UsedSignature


def use_once(text: str, *, lasts: timedelta) -> bool:
    """Return whether ``text`` was not used before. It is kept for as long as it might be good (OSSA 2020-003)."""
    now = timezone.now()
    UsedSignature.objects.filter(expires_at__lt=now).delete()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return UsedSignature.objects.get_or_create(digest=digest, defaults={"expires_at": now + lasts})[1]
