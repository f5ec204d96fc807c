"""The tables of microversions are whole, and say the same as their pages in docs/."""

import pytest

from apps.common.api import version_tables
from apps.common.api.version_tables import VersionTable
from cloud.management.commands import api_docs

ROOT = api_docs.DOCS.parent


@pytest.mark.parametrize("table", api_docs.TABLES, ids=lambda table: table.page)
def test_the_table_is_current(table: VersionTable) -> None:
    """Each version once, up to the newest; its tests are there; the page says the same."""
    minors = [change.minor for change in table.changes]
    assert minors == list(range(table.lowest.minor, table.highest.minor + 1))
    for change in table.changes:
        assert change.tests, change
        for test in change.tests:
            file, function = version_tables.place_of(test)
            assert f"def {function}(" in (ROOT / file).read_text(), test
    assert (api_docs.DOCS / table.page).read_text() == table.text(), "run `celerity api_docs`"
