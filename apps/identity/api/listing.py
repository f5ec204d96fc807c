"""How Keystone's lists are read: rows in their own order, pages cut at the settings' limit."""

from django.conf import settings

from apps.common.api.collections import Listing
from apps.identity.selectors.filters import STYLE

LISTING = Listing(
    style=STYLE,
    most=lambda: settings.IDENTITY_LIST_LIMIT,
    strict=True,
    marker_column="pk",
    marker_key=str,
)
