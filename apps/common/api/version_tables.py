"""What each microversion of a service changes, and which tests show it: a page of docs/ is made from each table."""

from dataclasses import dataclass, replace

from apps.common.microversions import Version


@dataclass(frozen=True, slots=True)
class Change:
    """``tests``: names of tests below tests/api, as file::function; without ".py" and "test_" in the file's name."""

    minor: int
    text: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionTable:
    """``page``: the name of its file in docs/. ``introduction`` stands before the table."""

    page: str
    introduction: str
    lowest: Version
    highest: Version
    changes: tuple[Change, ...]

    def text(self) -> str:
        """Return the page as it is to be."""
        lines = [
            self.introduction.format(lowest=self.lowest, highest=self.highest),
            "| Version | What it changes | Tested in |",
            "|---|---|---|",
        ]
        for change in self.changes:
            tests = ", ".join(f"`{'::'.join(place_of(test))}`".replace("tests/api/", "") for test in change.tests)
            lines.append(f"| {self.lowest.major}.{change.minor} | {change.text} | {tests} |")
        return "\n".join(lines) + "\n"


def read(text: str) -> tuple[Change, ...]:
    """Read a table; a line that has neither a version nor a text names more tests of the one above."""
    changes: list[Change] = []
    for line in text.strip().splitlines():
        minor, change, tests = (cell.strip() for cell in line.split("|"))
        if minor:
            changes.append(Change(int(minor), change, tuple(tests.split())))
        else:
            changes[-1] = replace(changes[-1], tests=(*changes[-1].tests, *tests.split()))
    return tuple(changes)


def place_of(test: str) -> tuple[str, str]:
    """Return the file and the function of a test as a table names it."""
    file, _, function = test.partition("::")
    folder, _, name = file.rpartition("/")
    return f"tests/api/{folder}/test_{name}.py", f"test_{function}"
