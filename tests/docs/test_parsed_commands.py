"""Each `openstack` command of the README and the guides exists in the client, with the options that they give."""

import re
import shlex
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from osc_lib.command.commandmanager import CommandManager

from tests.docs.test_commands import DOCUMENTS, ROOT, commands

GROUPS = ("common", "compute.v2", "identity.v3", "image.v2", "network.v2", "volume.v3")
GLOBAL = re.compile(r"--os-\S+ \S+ ")
INNER = re.compile(r"\$\((openstack (?:[^()]|\([^()]*\))*)\)")
INLINE = re.compile(r"`openstack ([^`]+)`")
OPTION = re.compile(r"--[a-z][a-z-]+")


@pytest.fixture(scope="module")
def client() -> CommandManager:
    manager = CommandManager("openstack.cli")
    for group in GROUPS:
        manager.add_command_group(f"openstack.{group}")
    return manager


def parser_of(client: CommandManager, words: list[str]) -> tuple[Any, list[str]]:
    """Return a command's parser, and the words behind the command. Raises ValueError where there is none."""
    factory, name, rest = client.find_command(words)
    return factory(MagicMock(), None).get_parser(name), rest


def typed(document: str) -> Iterator[str]:
    """Yield the `openstack` commands of blocks, one by one, those inside others too."""
    for line in commands(document):
        texts = [line]
        while texts:
            text = texts.pop()
            texts += INNER.findall(text)
            for part in re.split(r" ?[;|>] ?", INNER.sub("inner", text)):
                if part.startswith("openstack "):
                    yield part.split("  #")[0]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_parse(client: CommandManager, document: str, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for line in typed(document):
        try:
            parser, rest = parser_of(client, shlex.split(GLOBAL.sub("", line).removeprefix("openstack ")))
            parser.parse_args(rest)
        except (ValueError, SystemExit) as error:
            wrong.append(f"{line}: {error} {capsys.readouterr().err[-200:]}")
    for line in INLINE.findall((ROOT / document).read_text()):
        words = re.sub(r"[\[\]]", "", GLOBAL.sub("", f"{line} "))
        try:
            known = parser_of(client, words.split())[0].format_help() if words else ""
            wrong += [f"{line}: no {option}" for option in OPTION.findall(words) if option not in known]
        except ValueError as error:
            wrong.append(f"{line}: {error}")
    assert not wrong, "\n".join(wrong)
