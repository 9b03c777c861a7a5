"""The commands and options that pages name are there, whether a test can run them or not."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import click
import pytest

from movistream.cli import command_line
from tests.documents import PAGES, mentions_of

OF_OTHER_PROGRAMS = {
    "--hostile",  # of movistream_benchmarks.serve_load
    "--enable-gpl",  # of FFmpeg's configure
    "--enable-libx264",
    "--enable-libx265",
    "--node-ip-address",  # of ray start
    "--num-cpus",
}
PASSED_ON = {"service": "serve"}
"""Commands that hand their arguments to another."""
CONTEXT = click.Context(command_line)


def options_of(command: click.Command) -> set[str]:
    """Its options, those of its own commands too."""
    own = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
    if isinstance(command, click.Group):
        own = own.union(*map(options_of, command.commands.values()))
    return own | {"--help"}


COMMANDS: dict[str, click.Command] = {
    name: command
    for name in command_line.list_commands(CONTEXT)
    if (command := command_line.get_command(CONTEXT, name)) is not None
}
KNOWN = {option for command in COMMANDS.values() for option in options_of(command)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_are_those_of_the_verb(page: Path) -> None:
    for mention in mentions_of(page):
        for verb, arguments in re.findall(r"movistream ([a-z][a-z-]*)\b([^|;&]*)", mention):
            assert verb in COMMANDS, mention
            for option in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", arguments):
                command = COMMANDS[PASSED_ON.get(verb, verb)]
                assert option in options_of(command), mention


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_alone_are_somebodys(page: Path) -> None:
    named = {m for mention in mentions_of(page) for m in re.findall(r"^--[a-z][a-z0-9-]*", mention)}
    assert named - KNOWN - OF_OTHER_PROGRAMS == set()


def test_extras_are_there() -> None:
    """Also those of commands that no test runs, because they install packages."""
    setup = configparser.ConfigParser()
    setup.read(PAGES[0].parent / "setup.cfg")
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = {
        extra
        for extras in re.findall(r"pip install '(?:\.|movistream)\[([\w,]+)\]'", text)
        for extra in extras.split(",")
    }
    assert {"video", "convert", "train", "serve", "torch"} <= named
    assert named <= set(setup["options.extras_require"])


def test_there_are_some() -> None:
    """Else the two above would have nothing to say."""
    mentions = [mention for page in PAGES for mention in mentions_of(page)]
    assert len([mention for mention in mentions if mention.startswith("movistream ")]) > 60
    assert len([mention for mention in mentions if mention.startswith("--")]) > 40
    assert len(COMMANDS) >= 10
