"""Published annotations are read as they are meant, and each fault is named with its place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from movistream.errors import MovistreamError, VideoError
from movistream_training.annotations import reading
from movistream_training.annotations.matching import Found
from movistream_training.annotations.published import Options
from movistream_training.annotations.registry import FORMATS, read_annotations
from movistream_training.errors import TrainingError
from movistream_training.recordings.moments import Moment, Recording

CHARADES = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length"
KINETICS = "label,youtube_id,time_start,time_end,split,is_cc"
LABEL_MAP = """
# Two ways to write it are published.
label { name: "bend/bow (at the waist)" label_id: 1 label_type: PERSON_MOVEMENT }
item {
  name: 'sit'
  id: 11
}
"""


def charades(*rows: tuple[str, str]) -> str:
    """Rows of an id and its actions."""
    lines = (f'{name},A,Kitchen,6,7,Yes,"One, two",cup,"a;b",{acts},30.5' for name, acts in rows)
    return "\n".join((CHARADES, *lines))


def activitynet(**videos: Any) -> str:
    return json.dumps({"version": "1", "database": videos, "taxonomy": []})


def annotated(*moments: tuple[object, object, object], subset: str = "training") -> dict[str, Any]:
    return {
        "subset": subset,
        "duration": 60.0,
        "annotations": [{"segment": [s, e], "label": label} for label, s, e in moments],
    }


def videos(folder: Path, *names: str) -> Path:
    """A folder with files of these names: nobody looks into them."""
    for name in names:
        (folder / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "videos" / name).touch()
    return folder / "videos"


def read(
    folder: Path,
    form: str,
    text: str | bytes,
    *names: str,
    classes: str | None = None,
    excluded: str | None = None,
    **options: Any,
) -> Found:
    """What is found with those annotations and videos of those names."""
    path = folder / "annotations"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    given: list[Path | None] = []
    for name, content in (("classes", classes), ("excluded", excluded)):
        given.append(None if content is None else folder / name)
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return read_annotations(form, path, videos(folder, *names), Options(*given), **options)


def shown(found: Found, folder: Path) -> list[tuple[Any, ...]]:
    """The recordings as tuples, with paths in the folder of videos."""
    return [
        (
            one.path.relative_to(folder / "videos").as_posix(),
            [(m.label, m.start_s, m.end_s) for m in one.moments],
            one.split,
            one.start_s,
            one.end_s,
        )
        for one in found.recordings.recordings
    ]


WHOLE = (0.0, math.inf)


def test_charades(tmp_path: Path) -> None:
    text = charades(("AAAAA", "c092 11.90 21.20;c147 0.00 32.60"), ("BBBBB", ""), ("CCCCC", ""))
    found = read(tmp_path, "charades", text, "BBBBB.mp4", "deep/er/AAAAA.MKV", "other.mp4")
    assert found.recordings.labels == ("c092", "c147")
    # An action may end after its video: its order is that of the beginnings.
    assert shown(found, tmp_path) == [
        ("deep/er/AAAAA.MKV", [("c147", 0, 32.6), ("c092", 11.9, 21.2)], None, *WHOLE),
        ("BBBBB.mp4", [], None, *WHOLE),
    ]
    assert found.missing == ("CCCCC",)
    assert len(found.notes) == 1
    assert ": 1 of 3 videos: CCCCC" in found.notes[0]


def test_charades_with_names_of_classes(tmp_path: Path) -> None:
    classes = "c146 Awakening in bed\nc147 Sitting at a table\nc092 Watching\n\n"
    text = "\ufeff" + charades(("AAAAA", "c092 1 2;c147 0 3"))
    found = read(tmp_path, "charades", text, "AAAAA.mp4", classes=classes, split="test")
    # All classes in their order, whether there is something of them or not.
    assert found.recordings.labels == ("Awakening in bed", "Sitting at a table", "Watching")
    assert shown(found, tmp_path) == [
        ("AAAAA.mp4", [("Sitting at a table", 0, 3), ("Watching", 1, 2)], "test", *WHOLE)
    ]


def test_activitynet(tmp_path: Path) -> None:
    text = activitynet(
        one=annotated(("jump", 3, 4.5), ("run", "0.5", "20")),
        two=annotated(("run", 1, 2), subset="validation"),
        three=annotated(subset="validation"),
        four=annotated(("swim", 0, 1), subset="Test"),
        five={"annotations": [], "url": "elsewhere"},
    )
    names = ("v_one.mp4", "two.webm", "three.avi", "four.mp4", "five.mp4")
    found = read(tmp_path, "activitynet", text, *names)
    assert found.recordings.labels == ("jump", "run", "swim")
    assert shown(found, tmp_path) == [
        ("v_one.mp4", [("run", 0.5, 20), ("jump", 3, 4.5)], "training", *WHOLE),
        ("two.webm", [("run", 1, 2)], "validation", *WHOLE),
        ("three.avi", [], "validation", *WHOLE),
        ("four.mp4", [("swim", 0, 1)], "test", *WHOLE),
        ("five.mp4", [], None, *WHOLE),
    ]
    assert found.notes == ()
    found = read(tmp_path, "activitynet", text, split="validation", classes="run\nswim\njump\n")
    assert [row[0] for row in shown(found, tmp_path)] == ["two.webm", "three.avi", "five.mp4"]
    assert [row[2] for row in shown(found, tmp_path)] == ["validation"] * 3
    assert found.recordings.labels == ("run", "swim", "jump")


def test_where_annotations_are_withheld_nothing_is_known(tmp_path: Path) -> None:
    """That nothing happens in those videos would be wrong."""
    text = activitynet(
        one=annotated(("run", 1, 2)), two=annotated(subset="testing"), three=annotated()
    )
    found = read(tmp_path, "activitynet", text, "one.mp4", "two.mp4", "three.mp4")
    assert [row[0] for row in shown(found, tmp_path)] == ["one.mp4", "three.mp4"]
    assert "left out: 1 video for test, because none of these has annotations" in found.notes[0]


def ava(*rows: str) -> str:
    return "\n".join(rows)


def test_ava(tmp_path: Path) -> None:
    """Whoever does it: seconds that touch are one moment."""
    text = ava(
        "film,0902,0.1,0.1,0.9,0.9,11,0",
        "film,0903,0.1,0.1,0.9,0.9,11,1",
        "film,0903,0.2,0.1,0.9,0.9,11,2",
        "film,0904,0.1,0.1,0.9,0.9,1,1",
        "film,0905,0.1,0.1,0.9,0.9,11,1",
        "film,1100",
        "other,1000,0.1,0.1,0.9,0.9,1",
    )
    names = ("film.mkv", "other.mp4")
    found = read(tmp_path, "ava", text, *names, classes=LABEL_MAP)
    sit, bend = "sit", "bend/bow (at the waist)"
    assert found.recordings.labels == (bend, sit)
    # AVA looks at each film from 902 to 1798 s, whatever is there.
    assert shown(found, tmp_path) == [
        (
            "film.mkv",
            [(sit, 901.5, 903.5), (bend, 903.5, 904.5), (sit, 904.5, 905.5)],
            None,
            901.5,
            1798.5,
        ),
        ("other.mp4", [(bend, 999.5, 1000.5)], None, 901.5, 1798.5),
    ]
    found = read(tmp_path, "ava", text)
    assert found.recordings.labels == ("1", "11")


def test_ava_of_other_times(tmp_path: Path) -> None:
    """Looked at from the first time to the last of each video."""
    text = ava("a,0,0,0,1,1,2,0", "a,9", "b,1000.25,0,0,1,1,10,0", "b,1001.25,0,0,1,1,10,0")
    found = read(tmp_path, "ava", text, "a.mp4", "b.mp4")
    assert found.recordings.labels == ("2", "10")
    assert shown(found, tmp_path) == [
        ("a.mp4", [("2", 0, 0.5)], None, 0, 9.5),
        ("b.mp4", [("10", 999.75, 1001.75)], None, 999.75, 1001.75),
    ]


def test_ava_without_excluded_seconds(tmp_path: Path) -> None:
    rows = [f"a,{time},0,0,1,1,5,0" for time in range(10, 20)]
    excluded = "a,0012\na,0013\na,0019\na,0100\nb,0015\n"
    found = read(tmp_path, "ava", ava(*rows), "a.mp4", excluded=excluded)
    assert shown(found, tmp_path) == [
        ("a.mp4", [("5", 9.5, 11.5)], None, 9.5, 11.5),
        ("a.mp4", [("5", 13.5, 18.5)], None, 13.5, 18.5),
    ]
    # A video of which nothing is left is none.
    excluded = "".join(f"a,{time}\n" for time in range(5, 25))
    with pytest.raises(TrainingError, match="tells of no video"):
        read(tmp_path, "ava", ava(*rows), excluded=excluded)


def test_moments_in_time(tmp_path: Path) -> None:
    text = "\n".join(
        ("bow+ing/a.b_1.mp4,bow+ing,3,0", "wave/a.b_1.mp4,wave,4,1", "wave/c.mp4,wave")
    )
    names = ("training/bow+ing/a.b_1.mp4", "training/wave/a.b_1.webm", "validation/bow+ing/c.mp4")
    found = read(tmp_path, "moments-in-time", text, *names, split="training")
    assert found.recordings.labels == ("bow+ing", "wave")
    assert shown(found, tmp_path) == [
        ("training/bow+ing/a.b_1.mp4", [("bow+ing", *WHOLE)], "training", *WHOLE),
        ("training/wave/a.b_1.webm", [("wave", *WHOLE)], "training", *WHOLE),
    ]
    assert found.missing == ("wave/c",)
    categories = "yawn,2\nwave,1\nbow+ing\n"
    found = read(tmp_path, "moments-in-time", text, classes=categories)
    assert found.recordings.labels == ("yawn", "wave", "bow+ing")


def test_kinetics(tmp_path: Path) -> None:
    lines = (
        KINETICS,
        '"abseiling",-3B32lodo2M,59,69,train,0',
        "zumba,abc_d,1,11,val,0",
        '"bow, and arrow",xyz,100000,100010,validate,1',
        "zumba,gone,0,10,test,0",
    )
    names = ("abseiling/-3B32lodo2M_000059_000069.mp4", "abc_d.mkv", "xyz_100000_100010.mp4")
    found = read(tmp_path, "kinetics", "\n".join(lines), *names)
    assert found.recordings.labels == ("abseiling", "bow, and arrow", "zumba")
    assert shown(found, tmp_path) == [
        (names[0], [("abseiling", *WHOLE)], "training", *WHOLE),
        ("abc_d.mkv", [("zumba", *WHOLE)], "validation", *WHOLE),
        ("xyz_100000_100010.mp4", [("bow, and arrow", *WHOLE)], "validation", *WHOLE),
    ]
    assert found.missing == ("gone_000000_000010",)
    found = read(tmp_path, "kinetics", "\n".join(lines), split="validation")
    assert len(found.recordings.recordings) == 2
    assert found.missing == ()


def test_kinetics_without_a_split(tmp_path: Path) -> None:
    text = "youtube_id,label,time_end,time_start\nabc,zumba,11,1\n"
    found = read(tmp_path, "kinetics", text, "abc.mp4")
    assert found.recordings.recordings == (
        Recording(tmp_path / "videos" / "abc.mp4", (Moment("zumba"),)),
    )


SOUND = {
    "charades": charades(("AAAAA", "c092 1 2")),
    "activitynet": activitynet(AAAAA=annotated(("run", 1, 2))),
    "ava": ava("AAAAA,0902,0,0,1,1,11,0"),
    "kinetics": f"{KINETICS}\nrun,AAAAA,0,10,train,0",
    "moments-in-time": "run/AAAAA.mp4,run,3,0",
}
CLASSES = {
    "charades": "c092 Watching",
    "activitynet": "run",
    "ava": LABEL_MAP,
    "kinetics": "run",
    "moments-in-time": "run,0",
}


def test_each_format_is_tried() -> None:
    assert set(SOUND) == set(CLASSES) == set(FORMATS)


@pytest.mark.parametrize(
    ("form", "rows", "message"),
    [
        ("charades", [("A", "c092 1 2 3")], "line 2: 'c092 1 2 3' is no action such as"),
        ("charades", [("A", "c092 1")], "line 2: 'c092 1' is no action such as"),
        ("charades", [("A", ""), ("B", "c092 soon 2")], "line 3: 'soon' stands where a time"),
        ("charades", [("A", "c092 -1 2")], "line 2: '-1' stands where a time"),
        ("charades", [("A", "c092 nan 2")], "line 2: 'nan' stands where a time"),
        ("charades", [("A", "c092 0 inf")], "line 2: 'inf' stands where a time"),
        ("charades", [("A", "c092 0 1_0")], "line 2: '1_0' stands where a time"),
        ("charades", [("A", "c092 0 1e10")], "line 2: '1e10' stands where a time"),
        ("charades", [("A", "c092 2 1")], "line 2: 'c092' ends at 1 s, and begins at 2 s"),
        ("charades", [("A", "c092 2 2")], "line 2: 'c092' ends at 2 s, and begins at 2 s"),
        ("charades", [("A", "c92 1 2")], "line 2: 'c92' is no class such as 'c092'"),
        ("charades", [("A", "c1234 1 2")], "line 2: 'c1234' is no class"),
        ("charades", [("A", ""), ("A", "")], "line 3: the video A was there before"),
        ("charades", [("", "")], "line 2: it needs an id of up to 500"),
        ("charades", [("A\x1b[2J", "")], r"line 2: it needs an id .*, not 'A\\x1b\[2J'"),
        ("charades", [("A\u202e", "")], r"line 2: it needs an id .*, not 'A\\u202e'"),
        ("charades", [("A" * 600, "")], r"line 2: it needs an id .*, not 'A{40}' …"),
        ("charades", [("A,B", "")], "line 2: it has 12 values for 11 columns"),
        ("kinetics", ["run,A,0,10,train"], "line 2: it has 5 values for 6 columns"),
        ("kinetics", ["run,A,0,10,train,0,0"], "line 2: it has 7 values for 6 columns"),
        ("kinetics", ["run,A,x,10,train,0"], "line 2: 'x' stands where a time"),
        ("kinetics", ["run,A,10,0,train,0"], "line 2: 'run' ends at 0 s, and begins at 10 s"),
        ("kinetics", ["run,A,0,10,holdout,0"], "line 2: 'holdout' is no split"),
        ("kinetics", [",A,0,10,train,0"], "line 2: it needs a label"),
        ("kinetics", ["run,,0,10,train,0"], "line 2: it needs a youtube_id"),
        ("kinetics", ["run\a,A,0,10,train,0"], r"line 2: it needs a label .*, not 'run\\x07'"),
        (
            "kinetics",
            ["run,A,0,10,train,0", "sit,A,0,10,val,0"],
            "line 3: the clip A_000000_000010 was there before",
        ),
        ("moments-in-time", ["a/b.mp4"], "line 1: it has 1 values, and rows have 4"),
        ("moments-in-time", ["a/b.mp4,a,1,2,3"], "line 1: it has 5 values, and rows have 4"),
        ("moments-in-time", ["a/b.mp4,a,1,-2"], "line 1: '1, -2' are no counts of people"),
        ("moments-in-time", ["a/b.mp4,,1,2"], "line 1: it needs a label"),
        ("moments-in-time", [",a,1,2"], "line 1: it needs a path"),
        ("moments-in-time", ["a/b\0.mp4,a,1,2"], r"line 1: it needs a path|is not a table"),
        (
            "moments-in-time",
            ["a/b.mp4,a,1,2", "", "a/b.mp4,a,1,3"],
            "line 3: the clip a/b was there before",
        ),
        ("ava", ["A,0902,0,0,1,1"], "line 1: it has 6 values, and rows have 8"),
        ("ava", ["A,0902,0,0,1,1,11,0,1"], "line 1: it has 9 values, and rows have 8"),
        ("ava", ["A"], "line 1: it has 1 values"),
        ("ava", ["A,soon,0,0,1,1,11,0"], "line 1: 'soon' stands where a time"),
        ("ava", ["A,0902,0,0,1,1,sit,0"], "line 1: 'sit' is no number of a class"),
        ("ava", ["A,0902,0,0,1,1,1234567890,0"], "line 1: '1234567890' is no number of a class"),
        ("ava", ["A,0902,0,0,1,1,-1,0"], "line 1: '-1' is no number of a class"),
        ("ava", ["A,0902,0,0,1,1,²,0"], "line 1: '²' is no number of a class"),
        ("ava", ["A,0902,0,0,1,1,1,0"] * 2, "line 2: the same row was there before"),
        ("ava", ["A,0902"] * 2, "line 2: the same row was there before"),
        ("ava", [",0902,0,0,1,1,1,0"], "line 1: it needs a video"),
    ],
)
def test_bad_rows(tmp_path: Path, form: str, rows: Sequence[Any], message: str) -> None:
    header = {"charades": None, "kinetics": [KINETICS]}.get(form, [])
    text = charades(*rows) if header is None else "\n".join([*header, *rows])
    with pytest.raises(TrainingError, match=message) as told:
        read(tmp_path, form, text, "A.mp4", "b.mp4")
    assert str(tmp_path / "annotations") in str(told.value)
    assert "\n" not in str(told.value)


DEEP = {"annotations": [{"label": "a", "segment": [json.loads("[" * 50 + "]" * 50), 2]}]}


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ([], "the video 'A': it is no object"),
        ({}, "the video 'A': it has no list 'annotations'"),
        ({"annotations": {}}, "'A': it has no list 'annotations'"),
        ({"annotations": [], "subset": 3}, "'A': its 'subset' is no text"),
        (annotated(subset="holdout"), "'A': 'holdout' is no split"),
        ({"annotations": [1]}, "'A': an annotation is no object"),
        ({"annotations": [{"segment": [1, 2]}]}, "'A': an annotation has no text 'label'"),
        ({"annotations": [{"label": "a"}]}, "'A': an annotation has no 'segment' of two times"),
        (
            {"annotations": [{"label": "a", "segment": [1]}]},
            "'A': an annotation has no 'segment' of two times",
        ),
        ({"annotations": [{"label": "a", "segment": "12"}]}, "no 'segment' of two times"),
        ({"annotations": [{"label": "a", "segment": [1, 2, 3]}]}, "no 'segment' of two times"),
        (annotated((3, 1, 2)), "'A': an annotation has no text 'label'"),
        (annotated(("", 1, 2)), "'A': it needs a label"),
        (annotated(("a\x07", 1, 2)), r"'A': it needs a label .* not 'a\\x07'"),
        (annotated(("a\ud800", 1, 2)), r"'A': it needs a label .* not 'a\\ud800'"),
        (annotated(("a", 2, 1)), "'A': 'a' ends at 1 s, and begins at 2 s"),
        (annotated(("a", -1, 1)), "'A': something of type int stands where a time"),
        (annotated(("a", -1.5, 1)), "'A': -1.5 stands where a time"),
        (annotated(("a", math.nan, 1)), "'A': nan stands where a time"),
        (annotated(("a", 0, math.inf)), "'A': inf stands where a time"),
        (annotated(("a", 0, 10**400)), "'A': something of type int stands where a time"),
        (annotated(("a", True, 2)), "'A': something of type bool stands where a time"),
        (annotated(("a", None, 2)), "'A': something of type NoneType stands where a time"),
        (DEEP, "'A': something of type list stands where a time"),
    ],
)
def test_bad_videos_of_activitynet(tmp_path: Path, video: object, message: str) -> None:
    with pytest.raises(TrainingError, match=re.escape(message) if "\\" not in message else message):
        read(tmp_path, "activitynet", activitynet(A=video), "A.mp4")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "is nested too deep"),
        ('{"database": {"A": ' + "[" * 100_000, "is nested too deep"),
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ('{"database": {"A": 1' + "0" * 10_000 + "}}", "is not JSON|it is no object"),
        ("[]", "has no object 'database'"),
        ('{"database": []}', "has no object 'database'"),
        ('{"database": {"A": {}, "A": {}}}', "'A' is there twice in one object"),
        ('{"database": {}}', "tells of no video"),
    ],
    ids=lambda text: text[:30],
)
def test_files_that_are_not_activitynets(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        read(tmp_path, "activitynet", text, "A.mp4")


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("charades", "id,subject\nA,B", "has no column 'actions': its first line must name id, ac"),
        ("charades", "", "has no column 'id'"),
        ("charades", "id,actions,id,actions\n", "has the column 'id' twice"),
        ("charades", "id,actions\n", "tells of no video"),
        # The annotations of Kinetics' test have no labels.
        ("kinetics", "youtube_id,time_start,time_end,split\n", "has no column 'label'"),
        ("moments-in-time", "", "tells of no video"),
        ("ava", "", "tells of no video"),
        ("charades", f'id,actions\n"{"x" * 200_000}",\n', "is not a table: field larger"),
    ],
    ids=lambda text: text[:30],
)
def test_files_that_cannot_be_used(tmp_path: Path, form: str, text: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        read(tmp_path, form, text, "A.mp4")


@pytest.mark.parametrize("form", FORMATS)
def test_files_of_any_format(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, empty = videos(tmp_path, "run/AAAAA.mkv"), tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="is not UTF-8 text"):
        read(tmp_path, form, SOUND[form].encode("utf-16"))
    with pytest.raises(TrainingError, match="does not exist"):
        read_annotations(form, tmp_path / "nowhere", folder, Options())
    with pytest.raises(TrainingError, match="is no file"):
        read_annotations(form, folder, folder, Options())
    assert len(read(tmp_path, form, SOUND[form]).recordings.recordings) == 1
    with pytest.raises(TrainingError, match="is no folder with videos"):
        read_annotations(form, tmp_path / "annotations", tmp_path / "nowhere", Options())
    with pytest.raises(VideoError, match="holds no video"):
        read_annotations(form, tmp_path / "annotations", empty, Options())
    if form != "ava":
        with pytest.raises(TrainingError, match="has no file of excluded seconds"):
            read(tmp_path, form, SOUND[form], excluded="")
    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    with pytest.raises(TrainingError, match="has 0 MB, and annotations have 0 at most"):
        read(tmp_path, form, SOUND[form])


def test_the_largest_file_is_of_256_mb(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(TrainingError, match="has 256 MB, and annotations have 256 at most"):
        read_annotations("activitynet", tmp_path / "large", videos(tmp_path, "a.mp4"), Options())


@pytest.mark.parametrize("form", FORMATS)
def test_classes_that_are_not_the_data_sets(form: str, tmp_path: Path) -> None:
    read(tmp_path, form, SOUND[form], "run/AAAAA.mp4", classes=CLASSES[form])
    others = {"charades": "c093 Sleeping", "ava": 'label { name: "sleep" label_id: 12 }'}
    with pytest.raises(TrainingError, match=r"the class '?\w+'? is none of the 1 classes"):
        read(tmp_path, form, SOUND[form], classes=others.get(form, "sleep"))
    with pytest.raises(MovistreamError, match=r"names no classes|is empty"):
        read(tmp_path, form, SOUND[form], classes="")


@pytest.mark.parametrize(
    ("form", "classes", "message"),
    [
        ("charades", "c092 Watching\nSleeping", "line 2 of .* does not name a class: 'Sleeping'"),
        ("charades", "c092 Watching\nc092 Sleeping", "has the class 'c092' twice"),
        ("charades", "c092 Watching\nc093 Watching", "has the name 'Watching' twice"),
        ("charades", "c092 Watch\x1bing", "it needs names of classes"),
        ("moments-in-time", "run,0\nrun,1", "has the class 'run' twice"),
        ("ava", "c092 Watching", "is no label map: at line 1 there is no item"),
        ("ava", f"{LABEL_MAP}\nlabel {{ label_id: 3 }}", "at line 8 there is no item"),
        ("ava", 'label { name: "a" }', "at line 1 there is no item"),
        ("ava", 'label { name: "a" id: 1', "at line 1 there is no item"),
        ("ava", 'item { name: "a" id: 1 } item { name: "b" id: 01 }', "has the class '1' twice"),
        ("ava", 'item { name: "a" id: 1 } item { name: "a" id: 2 }', "has the name 'a' twice"),
        ("ava", 'item { name: "" id: 1 }', "it needs names of classes"),
    ],
)
def test_bad_files_of_classes(tmp_path: Path, form: str, classes: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        read(tmp_path, form, SOUND[form], "AAAAA.mp4", classes=classes)


@pytest.mark.parametrize("row", ["a", "a,soon", "a,1,2", ",1"])
def test_bad_excluded_seconds(tmp_path: Path, row: str) -> None:
    with pytest.raises(TrainingError, match=r"excluded has 1 bad row: line 2"):
        read(tmp_path, "ava", SOUND["ava"], "AAAAA.mp4", excluded=f"a,1\n{row}\n", skip_bad=True)


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    rows = [(f"A{n}", "c001 2 1") for n in range(9)]
    with pytest.raises(TrainingError) as told:
        read(tmp_path, "charades", charades(*rows, ("B", "")), "B.mp4")
    message = str(told.value)
    assert "has 9 bad rows: line 2: " in message
    assert "; and 6 more. Correct them, or leave 9 videos out with --skip-bad" in message


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """A row may have several."""
    text = 'id,actions,script\nA,,"one\ntwo"\n\nB,,"one\n\ntwo"\nC,c001 2 1,\nD,c001 2 1,"\n"\n'
    with pytest.raises(TrainingError, match=r"line 8: .*; line 9: "):
        read(tmp_path, "charades", text, "A.mp4")


@pytest.mark.parametrize(
    ("form", "bad"),
    [
        ("charades", charades(("AAAAA", "c092 1 2"), ("B", "c1 1 2"), ("B", "c092 1 2"))),
        ("charades", charades(("AAAAA", "c092 1 2"), ("B", ""), ("B", "c092 1 2"))),
        ("activitynet", activitynet(AAAAA=annotated(("run", 1, 2)), B=annotated(("run", 2, 1)))),
        ("ava", ava(SOUND["ava"], "B,0902,0,0,1,1,11,0", "B,0902,0,0,1,1,x,0")),
        ("kinetics", f"{SOUND['kinetics']}\nrun,B,0,10,train,0\nsit,B,0,10,train,0"),
        ("kinetics", f"{SOUND['kinetics']}\nrun,B,10,0,train,0"),
        ("moments-in-time", f"{SOUND['moments-in-time']}\nrun/B.mp4,run,1,1\nrun/B.mp4,sit,1,1"),
    ],
)
def test_videos_of_bad_rows_can_be_left_out(tmp_path: Path, form: str, bad: str) -> None:
    """As a whole: what is left of their rows would say that nothing else happens there."""
    with pytest.raises(TrainingError, match="bad row"):
        read(tmp_path, form, bad, "run/AAAAA.mp4", "run/B.mp4")
    found = read(tmp_path, form, bad, skip_bad=True)
    assert [row[0] for row in shown(found, tmp_path)] == ["run/AAAAA.mp4"]
    assert found.missing == ()
    assert "Left out for that: 1 video" in found.notes[-1]


def test_a_row_of_nobody_cannot_be_left_out(tmp_path: Path) -> None:
    text = charades(("AAAAA", "c092 1 2"), ("B,C", ""))
    with pytest.raises(TrainingError, match=r"for 11 columns\. Correct them$"):
        read(tmp_path, "charades", text, "AAAAA.mp4", skip_bad=True)


def test_without_any_of_the_videos(tmp_path: Path) -> None:
    text = charades(*((f"A{n}", "") for n in range(5)))
    with pytest.raises(TrainingError, match=r"none of the 5 videos that .* A0, A1, A2 …"):
        read(tmp_path, "charades", text, "other.mp4", "A0.txt")


def test_a_split_that_nothing_is_for(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="tells of no video for test"):
        read(tmp_path, "activitynet", SOUND["activitynet"], "AAAAA.mp4", split="test")


def test_a_video_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"AAAAA is there 2 times, as .*mp4 and .*webm: keep"):
        read(tmp_path, "charades", SOUND["charades"], "a/AAAAA.mp4", "b/AAAAA.webm")
    # In the folder that the annotations name, it is there once.
    (tmp_path / "other").mkdir()
    text = SOUND["moments-in-time"]
    assert read(tmp_path / "other", "moments-in-time", text, "run/AAAAA.mp4", "sit/AAAAA.mp4")


def test_a_file_that_would_be_two_clips(tmp_path: Path) -> None:
    text = f"{KINETICS}\nrun,A,0,10,train,0\nsit,A,20,30,train,0"
    with pytest.raises(
        TrainingError, match=r"would be both A_000000_000010 and A_000020_000030: give"
    ):
        read(tmp_path, "kinetics", text, "A.mp4")
    found = read(tmp_path, "kinetics", text, "A_000020_000030.mp4")
    assert [row[0] for row in shown(found, tmp_path)] == ["A.mp4", "A_000020_000030.mp4"]
