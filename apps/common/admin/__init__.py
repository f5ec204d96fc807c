"""Common parts of operators' pages. Pages read rows, and write through services."""

from apps.common.admin import events
from apps.common.admin.forms import ServiceForm
from apps.common.admin.operations import Operation
from apps.common.admin.pages import Page, ReadOnlyAdmin, ReadOnlyInline
from apps.common.admin.panels import Panel
from apps.common.operators import Operator, operator_of

__all__ = [
    "Operation",
    "Operator",
    "Page",
    "Panel",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "ServiceForm",
    "events",
    "operator_of",
]
