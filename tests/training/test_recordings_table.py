"""Tables of recordings: what happens, what was looked through, and which side a video goes to."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from movistream_training.errors import TrainingError
from movistream_training.examples import find_examples
from movistream_training.recordings.moments import Moment, Recording, Recordings, targets_at
from movistream_training.recordings.table import (
    divide_recordings,
    find_recordings,
    has_overlaps,
    rows_of,
)
from movistream_training.run_folder import write_split


def table(folder: Path, *rows: str, columns: str = "path,label,start,end,split") -> Path:
    path = folder / "moments.csv"
    path.write_text("\n".join((columns, *rows)) + "\n", encoding="utf-8")
    return path


def test_rows_of_a_video_are_one_recording(tmp_path: Path) -> None:
    rows = ("b.mp4,run,4,6,", "a.mp4,,,,", "b.mp4,jump,5,,", "b.mp4,run,0,2,", "b.mp4,jump,1,3,")
    found = find_recordings(table(tmp_path, *rows))
    assert found.labels == ("jump", "run")
    first, second = found.recordings
    assert (first.path, second.path) == (tmp_path / "b.mp4", tmp_path / "a.mp4")
    assert first.moments == (
        Moment("run", 0, 2),
        Moment("jump", 1, 3),
        Moment("run", 4, 6),
        Moment("jump", 5, math.inf),
    )
    assert second == Recording(tmp_path / "a.mp4", ())


def test_what_was_looked_through_may_be_parts(tmp_path: Path) -> None:
    rows = ("a.mp4,,20,30,", "a.mp4,,0,10,", "a.mp4,run,5,25,", "a.mp4,run,1,2,")
    first, second = find_recordings(table(tmp_path, *rows)).recordings
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (0, 10, 20, 30)
    assert first.moments == (Moment("run", 1, 2), Moment("run", 5, 25))
    assert second.moments == (Moment("run", 5, 25),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("a.mp4,,0,10,", "a.mp4,,5,,", "a.mp4,run,1,2,"), "without a label overlap at 5 s"),
        (("a.mp4,,0,10,", "a.mp4,run,10,12,"), "'run' from 10 to 12 s of .* is in no part of it"),
        (("a.mp4,run,0,2,training", "a.mp4,run,3,4,test"), "name test and training"),
        (("a.mp4,run,0,2,training", "a.mp4,run,3,4,"), "name no split and training"),
        (("a.mp4,,,,",), "names no label"),
        ((",run,0,2,",), "line 2 of .* needs a path and a label"),
        (("a.mp4,run,3,2,",), "ends at 2 s, before it starts"),
        (("a.mp4,run,nan,2,",), "'nan' where a time in seconds belongs"),
        (("a.mp4,run,0,2,holdout",), "has the split 'holdout'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        find_recordings(table(tmp_path, *rows))


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"several labels at once need a \.csv table"):
        find_recordings(tmp_path)


def test_rows_without_a_label_are_for_several(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"line 3 of .* are for --multi-label"):
        find_examples(table(tmp_path, "a.mp4,run,,,", "a.mp4,,,,"))


@pytest.mark.parametrize(
    ("rows", "overlaps"),
    [
        (("a.mp4,run,0,2,", "a.mp4,jump,2,3,"), False),
        (("a.mp4,run,0,2,", "a.mp4,jump,1.9,3,"), True),
        (("a.mp4,run,0,2,", "a.mp4,run,1,3,", "b.mp4,jump,,,"), False),
        (("a.mp4,run,,,", "a.mp4,jump,,,"), True),
        (("a.mp4,run,0,9,", "a.mp4,run,1,3,", "a.mp4,jump,5,6,"), True),
    ],
)
def test_overlaps(tmp_path: Path, rows: tuple[str, ...], overlaps: bool) -> None:
    assert has_overlaps(find_examples(table(tmp_path, *rows, "c.mp4,jump,,,"))) == overlaps


def test_what_nobody_can_say_is_set_aside(tmp_path: Path) -> None:
    columns = "path,label,start,end,certain"
    rows = ("a.mp4,run,0,2,", "a.mp4,run,2,3,no", "a.mp4,jump,5,6,yes", "b.mp4,jump,0,1,no")
    first, second = find_recordings(table(tmp_path, *rows, columns=columns)).recordings
    assert first.moments == (Moment("run", 0, 2), Moment("jump", 5, 6))
    assert first.uncertain == (Moment("run", 2, 3),)
    assert (second.moments, second.uncertain) == ((), (Moment("jump", 0, 1),))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.mp4,run,0,1,maybe", "line 2 of .* has 'maybe' where yes or no belongs"),
        ("a.mp4,,0,1,no", "line 2 of .* is uncertain: only a label can be"),
        ("a.mp4,jump,0,1,no", "is never certain of 'jump'"),
    ],
)
def test_uncertainty_has_limits(tmp_path: Path, row: str, message: str) -> None:
    path = table(tmp_path, row, "a.mp4,run,0,1,", columns="path,label,start,end,certain")
    with pytest.raises(TrainingError, match=message):
        find_recordings(path)


@pytest.mark.parametrize("rows", [("a.mp4,,,,",), ("a.mp4,,,,", "a.mp4,jump,0,1,no")])
def test_a_table_to_judge_by_may_have_no_event(tmp_path: Path, rows: tuple[str, ...]) -> None:
    path = table(tmp_path, *rows, columns="path,label,start,end,certain")
    with pytest.raises(TrainingError):
        find_recordings(path)
    found = find_recordings(path, may_be_uneventful=True)
    assert found.labels == ()
    assert [one.moments for one in found.recordings] == [()]
    assert len(found.recordings[0].uncertain) == len(rows) - 1


def test_one_label_is_certain(tmp_path: Path) -> None:
    path = table(tmp_path, "a.mp4,run,no", "a.mp4,jump,yes", columns="path,label,certain")
    with pytest.raises(TrainingError, match="only a label can be, for --multi-label"):
        find_examples(path)


def recordings(count: int, split: str | None = None) -> Recordings:
    """Every other one has nothing, the others one or two labels."""
    made = []
    for number in range(count):
        moments = [Moment("a", 0, 1), Moment("b", 0.5, 2)][: 1 + number % 4 // 2]
        made.append(Recording(Path(f"{number}.mp4"), tuple(moments) if number % 2 else (), split))
    return Recordings(("a", "b"), tuple(made))


@pytest.mark.parametrize("seed", range(5))
def test_sides_share_nothing_and_have_everything(seed: int) -> None:
    data = recordings(16)
    training, validation = divide_recordings(data, 0.25, seed)
    assert not {one.path for one in training} & {one.path for one in validation}
    assert set(training) | set(validation) == set(data.recordings)
    for side in (training, validation):
        assert {moment.label for one in side for moment in one.moments} == {"a", "b"}
        assert any(not one.moments for one in side)
    assert divide_recordings(data, 0.25, seed) == (training, validation)


def test_named_sides_are_kept() -> None:
    both = [
        Recording(Path(f"{split}{number}.mp4"), (Moment("a"), Moment("b")) if number else (), split)
        for split in ("training", "validation", "test")
        for number in range(2)
    ]
    training, validation = divide_recordings(Recordings(("a", "b"), tuple(both)), 0.25, 1)
    assert {one.split for one in training} == {"training"}
    assert {one.split for one in validation} == {"validation"}
    assert (len(training), len(validation)) == (2, 2)


def test_a_class_that_is_on_one_side_alone_is_refused() -> None:
    data = Recordings(("a", "b"), (Recording(Path("1.mp4"), (Moment("a"), Moment("b"))),))
    with pytest.raises(TrainingError, match="the class 'a' has nothing for"):
        divide_recordings(data, 0.25, 1)


def test_what_a_run_writes_is_read_again(tmp_path: Path) -> None:
    data = Recordings(
        ("a", "b"),
        (
            Recording(tmp_path / "1.mp4", (Moment("a", 0.5, 2), Moment("b", 1.0)), "training"),
            Recording(tmp_path / "2.mp4", (), "training"),
            Recording(tmp_path / "3.mp4", (Moment("a", 5, 6),), "training", 2.5, 8.0),
            Recording(tmp_path / "3.mp4", (), "training", 9.0),
            Recording(
                tmp_path / "4.mp4", (Moment("b"),), "training", 0.0, math.inf, (Moment("a", 1, 2),)
            ),
        ),
    )
    write_split(tmp_path / "split.csv", {"training": rows_of(data.recordings, "training")})
    assert find_recordings(tmp_path / "split.csv") == data


def test_a_moment_holds_its_beginning_and_not_its_end() -> None:
    moments = (Moment("a", 1.0, 2.0), Moment("b", 1.5), Moment("a", 4.0, 5.0))
    times_s = np.array([0.9, 1.0, 1.5, 2.0, 4.5, 9.0])
    found = targets_at(moments, ("a", "b", "c"), times_s)
    np.testing.assert_array_equal(found[:, 0], [0, 1, 1, 0, 1, 0])
    np.testing.assert_array_equal(found[:, 1], [0, 0, 1, 1, 1, 1])
    assert not found[:, 2].any()
