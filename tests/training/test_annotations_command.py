"""``movistream annotations``: tables of published annotations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from movistream_training.annotations_command import annotations
from movistream_training.examples import find_examples

CHARADES = "id,actions\nA,c001 2.5 9;c000 0 3\nB,\nC,c001 1 2\nD,c001 0 1\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with annotations and videos; nobody looks into these."""
    (tmp_path / "charades.csv").write_text(CHARADES)
    (tmp_path / "videos").mkdir()
    for name in ("A.mp4", "B.mp4", "C.mp4"):
        (tmp_path / "videos" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(annotations, list(map(str, arguments)))


def test_a_row_per_moment(home: Path) -> None:
    done = run("charades", "charades.csv", "--videos", "videos", "-o", "t.csv", "--missing", "m")
    assert done.exit_code == 0, done.output
    assert (home / "t.csv").read_text().splitlines() == [
        "path,label,start,end,split",
        "videos/A.mp4,c000,0,3,",
        "videos/A.mp4,c001,2.5,9,",
        # Nothing happens in it, and somebody has looked.
        "videos/B.mp4,,,,",
        "videos/C.mp4,c001,1,2,",
    ]
    assert (home / "m").read_text() == "D\n"
    assert "missing in videos: 1 of 4 videos: D" in done.stderr
    assert done.stdout == "wrote t.csv, 4 rows: 3 videos, 3 moments, 2 of 2 classes\n"


def test_parts_that_were_looked_through(home: Path) -> None:
    (home / "ava.csv").write_text("A,10,0,0,1,1,7,0\nA,12\nA,14,0,0,1,1,7,0\nB,30,0,0,1,1,7,0\n")
    (home / "excluded.csv").write_text("A,12\nB,30\n")
    done = run("ava", "ava.csv", "--videos", "videos", "-o", "t.csv", "--split", "test")
    assert done.exit_code == 0, done.output
    assert (home / "t.csv").read_text().splitlines() == [
        "path,label,start,end,split",
        "videos/A.mp4,,9.5,14.5,test",
        "videos/A.mp4,7,9.5,10.5,test",
        "videos/A.mp4,7,13.5,14.5,test",
        "videos/B.mp4,,29.5,30.5,test",
        "videos/B.mp4,7,29.5,30.5,test",
    ]
    arguments = ("ava", "ava.csv", "--videos", "videos", "-o", "t.csv", "--force")
    done = run(*arguments, "--excluded", "excluded.csv")
    assert done.exit_code == 0, done.output
    assert (home / "t.csv").read_text().splitlines()[1:] == [
        "videos/A.mp4,,9.5,11.5,",
        "videos/A.mp4,7,9.5,10.5,",
        "videos/A.mp4,,12.5,14.5,",
        "videos/A.mp4,7,13.5,14.5,",
    ]


@pytest.mark.parametrize(
    ("form", "text", "split", "rows"),
    [
        (
            "kinetics",
            'label,youtube_id,time_start,time_end,split\n"a, b",A,0,10,train\nc,B,0,10,val\n',
            None,
            ["path,label,split", 'videos/A.mp4,"a, b",training', "videos/B.mp4,c,validation"],
        ),
        (
            "moments-in-time",
            "videos/A.mp4,b,1,1\nvideos/B.mp4,a,1,1\n",
            None,
            ["path,label", "videos/A.mp4,b", "videos/B.mp4,a"],
        ),
        (
            "moments-in-time",
            "videos/A.mp4,b,1,1\nvideos/B.mp4,a,1,1\n",
            "training",
            ["path,label,split", "videos/A.mp4,b,training", "videos/B.mp4,a,training"],
        ),
    ],
)
def test_one_label_for_each_video_is_what_train_takes(
    home: Path, form: str, text: str, split: str | None, rows: list[str]
) -> None:
    (home / "annotations").write_text(text)
    options = [] if split is None else ["--split", split]
    done = run(form, "annotations", "--videos", "videos", "-o", "t.csv", *options)
    assert done.exit_code == 0, done.output
    assert (home / "t.csv").read_text().splitlines() == rows
    data = find_examples(home / "t.csv")
    assert [example.path.name for example in data.examples] == ["A.mp4", "B.mp4"]
    assert all(example.path.is_file() for example in data.examples)


def test_paths_are_relative_below_the_table_and_whole_elsewhere(home: Path) -> None:
    (home / "tables").mkdir()
    # A link to where the videos are is the user's name for them.
    (home / "tables" / "linked").symlink_to(home / "videos")
    for videos, shown in (("videos", f"{home}/videos/A.mp4"), ("tables/linked", "linked/A.mp4")):
        done = run("charades", "charades.csv", "--videos", videos, "-o", "tables/t.csv", "--force")
        assert done.exit_code == 0, done.output
        assert (home / "tables" / "t.csv").read_text().splitlines()[1].split(",")[0] == shown


def test_times_are_written_as_they_are(home: Path) -> None:
    database = {"A": {"annotations": [{"label": "x", "segment": [1 / 3, 1e-7 + 1 / 3]}]}}
    (home / "a.json").write_text(json.dumps({"database": database}))
    assert run("activitynet", "a.json", "--videos", "videos", "-o", "t.csv").exit_code == 0
    _, _, start, end, _ = (home / "t.csv").read_text().splitlines()[1].split(",")
    assert (float(start), float(end)) == (1 / 3, 1e-7 + 1 / 3)


def test_nothing_is_written_over_or_left_half(home: Path) -> None:
    arguments = ("charades", "charades.csv", "--videos", "videos", "-o", "t.csv")
    assert run(*arguments).exit_code == 0
    before = (home / "t.csv").read_text()
    assert "add --force" in str(run(*arguments).exception)
    assert "add --force" in str(run(*arguments[:-1], "u.csv", "--missing", "t.csv").exception)
    assert not (home / "u.csv").exists()
    (home / "charades.csv").write_text("id,actions\nA,c001 2 1\n")
    assert "has 1 bad row" in str(run(*arguments, "--force").exception)
    assert (home / "t.csv").read_text() == before


def test_bad_rows_are_skipped_if_that_is_asked(home: Path) -> None:
    (home / "charades.csv").write_text("id,actions\nA,c001 2 1\nC,c001 1 2\n")
    done = run("charades", "charades.csv", "--videos", "videos", "-o", "t.csv", "--skip-bad")
    assert done.exit_code == 0, done.output
    assert (home / "t.csv").read_text().splitlines()[1:] == ["videos/C.mp4,c001,1,2,"]
    assert (
        "line 2: 'c001' ends at 1 s, and begins at 2 s. Left out for that: 1 video" in done.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "table.txt"], "must end in .csv"),
        (["-o", "nowhere/t.csv"], "nowhere does not exist"),
        (["-o", "t.csv", "--excluded", "charades.csv"], "has no file of excluded seconds"),
        (["-o", "t.csv", "--missing", "nowhere/m"], "nowhere does not exist"),
    ],
)
def test_what_is_refused(home: Path, arguments: list[str], message: str) -> None:
    done = run("charades", "charades.csv", "--videos", "videos", *arguments)
    assert message in str(done.exception)
    assert sorted(path.name for path in home.iterdir()) == ["charades.csv", "videos"]


def test_what_is_not_understood(home: Path) -> None:
    done = run(
        "charades", "charades.csv", "--videos", "videos", "-o", "t.csv", "--missing", "t.csv"
    )
    assert done.exit_code == 2
    assert "name the same file" in done.stderr
    assert run("hollywood", "charades.csv", "--videos", "videos", "-o", "t.csv").exit_code == 2
    assert run("charades", "charades.csv", "-o", "t.csv").exit_code == 2


@pytest.mark.parametrize("name", ["a\x1b[2J", " a", "a\udcff"])
def test_paths_that_no_table_can_name(home: Path, name: str) -> None:
    try:
        (home / "videos" / name).mkdir()
    except OSError:
        pytest.skip("this system has no such names")
    (home / "videos" / "A.mp4").rename(home / "videos" / name / "A.mp4")
    done = run("charades", "charades.csv", "--videos", "videos", "-o", "videos/t.csv")
    assert "cannot stand in a table" in str(done.exception)
    assert "\x1b" not in str(done.exception)
