"""What all commands have in common: help, words, refusals, completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest

import movistream.cli
from movistream.cli import main
from movistream.cli.help import Command, Option

Capture = pytest.CaptureFixture[str]

COMMANDS = sorted(metadata.entry_points(group="movistream.commands"), key=lambda entry: entry.name)


def printed(capsys: Capture, *arguments: str) -> str:
    main(list(arguments))
    return capsys.readouterr().out


def refused(capsys: Capture, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


def all_options() -> list[tuple[str, click.Option]]:
    return [
        (entry.name, parameter)
        for entry in COMMANDS
        for parameter in entry.load().params
        if isinstance(parameter, click.Option)
    ]


def test_misspelt_commands_are_answered_with_the_nearest(capsys: Capture) -> None:
    code, told = refused(capsys, "cnvert", "x")
    assert code == 2
    assert "there is no command cnvert; did you mean convert?" in told
    code, told = refused(capsys, "xyzzy")
    assert code == 2
    assert "there are annotations, archive, bench, bench-arm, completion" in told
    assert "\x1b" not in refused(capsys, "\x1b[31m")[1]
    assert "--events" in refused(capsys, "run", "m", "s", "--event")[1]


def test_help_says_whole_sentences(capsys: Capture) -> None:
    said = printed(capsys, "--help")
    assert "..." not in said.partition("Commands:")[2]
    for entry in COMMANDS:
        first = entry.load().get_short_help_str(limit=1000)
        assert first.endswith(".")
        assert first in re.sub(r"\s+", " ", said)


def test_commands_that_are_not_installed_say_what_to_install(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movistream.cli, "_SIGNS", {"convert": "no_such_module"})
    said = printed(capsys, "--help")
    assert re.search(r"convert +Not installed: pip install 'movistream\[convert\]'", said)
    code, told = refused(capsys, "convert", "x")
    assert code == 1
    assert "movistream[convert]" in told


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_help_fits_eighty_columns(
    entry: metadata.EntryPoint, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, printed(capsys, entry.name, "--help").splitlines())) <= 80


def test_run_has_its_options_in_groups(capsys: Capture) -> None:
    said = printed(capsys, "run", "--help")
    headings = re.findall(r"^(\w+):$", said, re.MULTILINE)
    assert headings == ["Output", "Source", "Events", "Scores", "Memory", "Model", "Options"]
    assert "-h, --help" in said.partition("\nOptions:")[2]


def test_older_words_work_and_are_not_shown(capsys: Capture) -> None:
    option = Option(["--smoothing"], old=["--smooth"], type=float, help="Average.")
    command = Command("watch", params=[option], callback=lambda smoothing: click.echo(smoothing))
    command.main(["--smooth", "3"], standalone_mode=False)
    assert capsys.readouterr().out == "3.0\n"
    command.main(["--help"], standalone_mode=False)
    assert "--smooth " not in capsys.readouterr().out
    with pytest.raises(click.BadParameter) as raised:
        command.main(["--smooth", "x"], standalone_mode=False)
    assert "'--smoothing':" in raised.value.format_message()
    assert {"--smooth", "--out", "--roi", "--html"} <= {
        word for _, option in all_options() for word in option.opts
    }


def test_a_word_means_the_same_in_every_command() -> None:
    """Where two commands have an option of one name, it takes a value in both, or in neither."""
    kinds: dict[str, set[tuple[bool, str]]] = {}
    for command, option in all_options():
        for word in option.opts:
            kinds.setdefault(word, set()).add((option.is_flag, command))
    for word, uses in kinds.items():
        assert len({is_flag for is_flag, _ in uses}) == 1, (word, uses)
    # --json prints; what is written has -o.
    assert all(option.is_flag for _, option in all_options() if "--json" in option.opts)
    assert all("--output" in option.opts for _, option in all_options() if "-o" in option.opts)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: Capture) -> None:
    script = printed(capsys, "completion", shell)
    assert "_MOVISTREAM_COMPLETE" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_what_is_completed() -> None:
    def completed(words: str, count: int) -> str:
        environment = {
            **os.environ,
            "_MOVISTREAM_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(count),
        }
        command = [sys.executable, "-c", "from movistream.cli import main; main()"]
        found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return found.stdout

    assert completed("movistream ins", 1).split() == ["plain,inspect"]
    assert "plain,--summary" in completed("movistream run --su", 2)
    assert "plain,camera-motion" in completed("movistream run cam", 2)


def test_what_exists_is_replaced_by_force_only(
    model_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    """One rule for every command that writes a file."""
    there = tmp_path / "there.tflite"
    there.write_text("mine")
    for command in (
        ["convert", str(model_path), "-o", str(there)],
        ["weights", str(model_path), "-o", str(there)],
        ["bench", str(model_path), "-o", str(there)],
    ):
        code, told = refused(capsys, *command)
        assert code == 1
        assert f"{there} exists; name another file, or add --force to replace it" in told
        assert there.read_text() == "mine"
    main(["convert", str(model_path), "-o", str(there), "--force"])
    assert there.read_bytes()[4:8] == b"TFL3"


def test_the_rate_that_a_network_was_trained_at(
    model_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "slow.tflite"
    said = printed(capsys, "convert", str(model_path), "-o", str(output), "--fps", "2.5")
    assert re.search(r"frames per second +2\.5 +from the command", said)
    with movistream.load(output) as model:
        assert model.frames_per_second == 2.5
    assert refused(capsys, "convert", "x", "-o", str(output), "--fps", "0")[0] == 2


def test_plots_are_written_in_two_formats(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    plot = tmp_path / "scores.svg"
    main(["run", str(model_path), str(clip), "--plot", str(plot)])
    assert plot.read_text().startswith("<?xml")
    code, told = refused(capsys, "run", str(model_path), str(clip), "--plot", "scores.gif")
    assert code == 1
    assert "its name must end in .png or .svg" in told


def test_what_needs_no_video_starts_without_what_reads_one() -> None:
    program = "import sys; from movistream.cli import main\n"
    program += "try: main(['--version'])\nexcept SystemExit: pass\n"
    program += "print(sorted({'numpy', 'av', 'ai_edge_litert'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1:] == ["[]"]
