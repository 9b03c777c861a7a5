"""docs/annotations.md: its examples, as they stand there, give what stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream_training.annotations.registry import FORMATS
from movistream_training.annotations_command import annotations
from tests.documents import ROOT

PAGE = (ROOT / "docs" / "annotations.md").read_text(encoding="utf-8")
SECTIONS = {title: text for title, _, text in (s.partition("\n") for s in PAGE.split("\n## ")[1:])}
NAMED = re.compile(r"^`(\S+)`:\n\n```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TREE = re.compile(r"^```\n(\S+/\n(?: .*\n)+)```", re.MULTILINE)
CONSOLE = re.compile(
    r"^```console\n\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL
)


def plant(tree: str, home: Path) -> None:
    """Empty videos where a page's drawing of folders has them."""
    folders: list[str] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        words = line.split()
        if words[0].endswith("/"):
            del folders[depth:]
            folders.append(words.pop(0))
        folder = home.joinpath(*folders)
        folder.mkdir(parents=True, exist_ok=True)
        for name in words:
            if name.endswith((".mp4", ".mkv")):
                (folder / name).touch()


def test_each_format_has_a_section() -> None:
    shown = [CONSOLE.findall(text)[0][0].split()[2] for text in SECTIONS.values()]
    assert sorted(shown) == sorted(FORMATS)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = SECTIONS[title]
    ((command, said),) = CONSOLE.findall(text)
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["movistream", "annotations"]
    (tree,) = TREE.findall(text)
    plant(tree, tmp_path)
    output = words[words.index("-o") + 1]
    named = dict(NAMED.findall(text))
    table = named.pop(output)
    for name, content in named.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    done = CliRunner().invoke(annotations, words[2:])
    assert done.exception is None, done.output
    assert done.output == said
    assert (tmp_path / output).read_text(encoding="utf-8") == table
    if "--missing" in words:
        assert (tmp_path / words[words.index("--missing") + 1]).read_text() == "9ZWPL\n"


def test_what_is_said_of_kinetics600(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,youtube_id,time_start,time_end\nzumba,a,0,10\n")
    (tmp_path / "a.mp4").touch()
    words = ["kinetics", f"{tmp_path}/a.csv", "--videos", str(tmp_path), "-o", f"{tmp_path}/t.csv"]
    done = CliRunner().invoke(annotations, [*words, "--classes", "kinetics600"])
    assert done.exception is None, done.output
    assert "1 of 600 classes" in done.output
