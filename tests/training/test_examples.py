"""Data sets are read as they are meant, and never leak from one side to the other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, Example, divide, divide_in_three, find_examples


def folder(path: Path, **classes: int) -> Path:
    """A folder per class with so many files that end as videos do, each of its own content."""
    for label, count in classes.items():
        (path / label).mkdir()
        for number in range(count):
            (path / label / f"{number}.mp4").write_text(f"{label} {number}")
    return path


def table(path: Path, *lines: str) -> Path:
    """A table of those lines."""
    file = path / "data.csv"
    file.write_text("\n".join(lines))
    return file


def test_a_folder_has_a_class_per_folder(tmp_path: Path) -> None:
    data = find_examples(folder(tmp_path, wave=2, bow=1))
    assert data.labels == ("bow", "wave")
    assert [example.label for example in data.examples] == ["bow", "wave", "wave"]
    # Each is a whole video, of no side yet.
    assert {(e.start_s, e.end_s, e.split) for e in data.examples} == {(0.0, None, None)}


def test_a_table_has_parts_of_videos(tmp_path: Path) -> None:
    lines = ("path,label,start,end,split", "a.mp4,x,0.5,2,training", "b.mp4,y,,,validation")
    data = find_examples(table(tmp_path, *lines))
    assert data.examples == (
        Example(tmp_path / "a.mp4", "x", 0.5, 2.0, "training"),
        Example(tmp_path / "b.mp4", "y", 0.0, None, "validation"),
    )


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "holds no folders"),
        ({"wave": 3}, "one class only"),
        ({"wave": 3, "bow": 0}, "the class 'bow' has no videos"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path: Path, classes: dict[str, int], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        find_examples(folder(tmp_path, **classes))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("path,class", "a,x"), "needs the columns path and label"),
        (("path,label,weight", "a,x,1"), "unknown column 'weight'"),
        (("path,label",), "no rows"),
        (("path,label", "a,x,1"), "line 2 of .* one value per column"),
        (("path,label", "a"), "line 2 of .* one value per column"),
        (("path,label", "a,x", "b,"), "line 3 of .* needs a path and a label"),
        (("path,label,start", "a,x,soon"), "'soon' where a time"),
        (("path,label,start,end", "a,x,2,1"), "ends at 1 s, before"),
        (("path,label,start,end", "a,x,2,2"), "ends at 2 s, before it starts at 2 s"),
        (("path,label,start,end", "a,x,,0"), "ends at 0 s, before it starts at 0 s"),
        (("path,label,start", "a,x,-1"), "'-1' where a time"),
        (("path,label,start", "a,x,inf"), "'inf' where a time"),
        (("path,label,split", "a,x,tests"), "the split 'tests'"),
        (("path,label", "a,x", "b,x"), "one class only"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        find_examples(table(tmp_path, *lines))


def test_other_things_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="does not exist"):
        find_examples(tmp_path / "nowhere")
    (tmp_path / "data.txt").write_text("")
    with pytest.raises(TrainingError, match="neither a folder"):
        find_examples(tmp_path / "data.txt")


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from("xyz")), min_size=1, max_size=30),
    st.floats(0.1, 0.6),
    st.integers(0, 5),
)
def test_no_video_is_on_both_sides(parts: list[tuple[int, str]], share: float, seed: int) -> None:
    """Whatever the parts, whatever their classes."""
    examples = tuple(
        Example(Path(f"{label}{video}.mp4"), label, float(index), index + 0.5)
        for index, (video, label) in enumerate(parts)
    )
    labels = tuple(sorted({example.label for example in examples}))
    try:
        training, validation = divide(DataSet(labels, examples), share, seed)
    except TrainingError:
        # A class has one video only, or shares all of them with others.
        return
    assert sorted(map(str, training + validation)) == sorted(map(str, examples))
    assert not {e.path for e in training} & {e.path for e in validation}
    for side in (training, validation):
        assert {example.label for example in side} == set(labels)


@pytest.mark.parametrize(
    ("share", "counts"), [(0.3, {"bow": 6, "wave": 3}), (0.1, {"bow": 2, "wave": 1})]
)
def test_as_many_are_held_out_as_was_asked(
    share: float, counts: dict[str, int], tmp_path: Path
) -> None:
    """Of 20 and of 10, class by class."""
    data = find_examples(folder(tmp_path, bow=20, wave=10))
    _, validation = divide(data, share, seed=1)
    assert Counter(example.label for example in validation) == counts
    _, other = divide(data, share, seed=2)
    assert {example.path for example in other} != {example.path for example in validation}


def test_a_table_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("path,label\na.mp4,Gähnen\n".encode("latin-1"))
    with pytest.raises(TrainingError, match="is not UTF-8 text"):
        find_examples(path)
    path.write_bytes("path,label\na.mp4,Gähnen\nb.mp4,x\n".encode("utf-8-sig"))
    assert find_examples(path).labels == ("Gähnen", "x")


def test_copies_of_a_video_stay_together(tmp_path: Path) -> None:
    data = folder(tmp_path, wave=4, bow=4)
    for label in ("wave", "bow"):
        for number in range(4):
            copy = data / label / f"copy of {number}.mp4"
            copy.write_text((data / label / f"{number}.mp4").read_text())
    sides = divide(find_examples(data), 0.5, seed=1)
    contents = [{example.path.read_text() for example in side} for side in sides]
    assert not contents[0] & contents[1]


def test_a_class_of_one_video_cannot_be_divided(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"'bow' has nothing for training: it has 1 video"):
        divide(find_examples(folder(tmp_path, wave=4, bow=1)), 0.25, seed=1)


def test_named_sides_are_kept_unless_they_overlap() -> None:
    parts = [
        Example(Path("a.mp4"), "x", 0.0, 2.0, "training"),
        Example(Path("a.mp4"), "x", 2.0, 4.0, "validation"),
        Example(Path("b.mp4"), "y", 0.0, 2.0, "training"),
        Example(Path("b.mp4"), "y", 3.0, None, "validation"),
    ]
    training, validation = divide(DataSet(("x", "y"), tuple(parts)), 0.5, seed=1)
    assert (training, validation) == ((parts[0], parts[2]), (parts[1], parts[3]))
    parts[1] = Example(Path("a.mp4"), "x", 1.9, 4.0, "validation")
    with pytest.raises(TrainingError, match="overlap, and are on different sides"):
        divide(DataSet(("x", "y"), tuple(parts)), 0.5, seed=1)


def test_three_sides_share_no_video(tmp_path: Path) -> None:
    data = find_examples(folder(tmp_path, wave=10, bow=20))
    sides = divide_in_three(data, 0.25, 0.2, seed=1)
    assert sorted(e for side in sides for e in map(str, side)) == sorted(map(str, data.examples))
    counts = [Counter(example.label for example in side) for side in sides]
    assert counts == [{"wave": 6, "bow": 12}, {"wave": 2, "bow": 4}, {"wave": 2, "bow": 4}]
    (tmp_path / "few").mkdir()
    few = find_examples(folder(tmp_path / "few", wave=4, bow=2))
    with pytest.raises(TrainingError, match="'bow' has nothing for"):
        divide_in_three(few, 0.25, 0.2, seed=1)


def test_a_named_test_is_kept_out_of_training() -> None:
    names = ("training", "validation", "test")
    examples = tuple(
        Example(Path(f"{label}{name}.mp4"), label, split=name) for label in "xy" for name in names
    )
    data = DataSet(("x", "y"), examples)
    sides = divide_in_three(data, 0.5, 0.5, seed=1)
    assert sides == tuple((examples[n], examples[n + 3]) for n in range(3))
    assert divide(data, 0.5, seed=1) == sides[:2]
    untested = DataSet(("x", "y"), tuple(e for e in examples if e.split != "test"))
    with pytest.raises(TrainingError, match="'x' has nothing for test"):
        divide_in_three(untested, 0.5, 0.5, seed=1)
