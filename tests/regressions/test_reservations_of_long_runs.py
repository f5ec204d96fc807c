"""A reservation was given back after twice the time of a boot, although a volume's run was still working on it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.quotas.models import Reservation
from apps.quotas.selectors import usages
from apps.volumes.models import Volume
from apps.volumes.services import volumes
from apps.workflow.models import Run
from workers.periodic import expiry

pytestmark = pytest.mark.django_db


def test_a_run_that_works_keeps_its_reservation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)
    context = RequestContext(user_id="u", project_id="p")
    volumes.create(context=context, volume=Volume(project_id="p", user_id="u", size=2))
    long_ago = timezone.now() - timedelta(seconds=settings.RESERVATION_LIFETIME * 3)
    Reservation.objects.update(created_at=long_ago, expires_at=long_ago)
    assert expiry.reservations() == 0
    assert usages.of_owner(owner_id="p")["volumes"] == (0, 1)
    Run.objects.update(state="failed")
    assert expiry.reservations() == 1
    assert usages.of_owner(owner_id="p")["volumes"] == (0, 0)
