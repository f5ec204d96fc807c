"""`celerity consistency` and its former name."""

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.quotas.models import Usage

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["consistency", "audit"])
def test_both_names_report_usage_that_no_server_explains(name: str) -> None:
    Usage.objects.create(owner_id="p", resource="cores", in_use=3)
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="1 differences"):
        call_command(name, "--rows-only", "--json", stdout=out, stderr=err)
    [difference] = json.loads(out.getvalue())
    assert (difference["kind"], difference["what"]) == ("quota", "p cores")
    assert ("now called `consistency`" in err.getvalue()) == (name == "audit")
