"""Float16 arithmetic: where it may be used, and means that do not stand still in it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

import movistream
from movistream.cli import main
from movistream.engines import arithmetic
from movistream.engines.arithmetic import (
    MOST_FLOAT16_FRAMES,
    cpu_computes_float16,
    float16_obstacle,
)
from movistream.errors import EngineError, EngineUnavailableError, MovistreamError
from movistream.stream import loading
from movistream.stream.agreement import lowest_cosine
from movistream_converters.conversion import convert_source
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint

POOL, REMAINDER = "state_head_pool_mean", "state_head_pool_remainder"

needs_float16 = pytest.mark.skipif(
    not cpu_computes_float16(), reason="this CPU has no arithmetic for float16"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("float16") / "m.tflite"
    return convert_source(small_checkpoint(), path, precision=Precision.FLOAT16).path


@pytest.fixture
def cpu_with_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "cpu_computes_float16", lambda: True)


@pytest.fixture
def cpu_without_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "cpu_computes_float16", lambda: False)


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (["fp asimd fphp asimdhp"], True),
        (["fp asimd fphp asimdhp"] * 4 + ["fp asimd"] * 4, False),
        (["avx512f avx512_fp16", "avx512f avx512_fp16"], True),
        (["fp asimd fphp"], False),
        ([], False),
    ],
)
def test_what_a_cpu_says(cores: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    features = tuple(frozenset(core.split()) for core in cores)
    monkeypatch.setattr(arithmetic, "core_features", lambda: features)
    assert cpu_computes_float16() == expected


def test_which_files(path: Path, model_path: Path, tmp_path: Path) -> None:
    def obstacle(path: Path) -> str | None:
        with movistream.load(path, arithmetic="float32") as model:
            return float16_obstacle(model.manifest)

    def converted(name: str, **options: object) -> Path:
        network = {"positional_encoding": name == "positions"}
        return convert_source(
            small_checkpoint(**network),
            tmp_path / f"{name}.tflite",
            precision=Precision.FLOAT16,
            verified=False,
            **options,  # type: ignore[arg-type]
        ).path

    assert obstacle(path) is None
    assert "--precision float16" in (obstacle(model_path) or "")
    assert "--precision float16" in (
        obstacle(converted("l", layout=StateLayout.MODEL_GARDEN)) or ""
    )
    assert "positional encoding" in (obstacle(converted("positions")) or "")


def test_auto_without_float16(
    path: Path, cpu_without_float16: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "movistream")
    with movistream.load(path) as model:
        assert model.arithmetic == "float32"
    assert "this CPU has no arithmetic for float16" in caplog.text
    caplog.clear()
    # Who asks for a comparison is told that there is none.
    movistream.load(path, check_arithmetic=True).close()
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "no float16 arithmetic here to compare" in warning.getMessage()
    with pytest.raises(EngineUnavailableError, match="this CPU has no arithmetic for float16"):
        movistream.load(path, arithmetic="float16")


def test_engines_without_float16(
    path: Path, cpu_with_float16: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "movistream")
    with movistream.load(path, engine="interpreter") as model:
        assert model.arithmetic == "float32"
    assert "is computed in float32: " in caplog.text
    with pytest.raises(EngineUnavailableError, match="computes in float32 only"):
        movistream.load(path, engine="interpreter", arithmetic="float16")


def test_refusals(
    path: Path, model_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MovistreamError, match="auto, float32, float16, not 'bfloat16'"):
        movistream.load(path, arithmetic="bfloat16")
    with pytest.raises(EngineError, match="not converted for it"):
        movistream.load(model_path, arithmetic="float16")
    with pytest.raises(SystemExit):
        main(["run", str(model_path), str(clip), "--arithmetic", "float16"])
    assert "convert the checkpoint with --precision float16" in capsys.readouterr().err


def test_remainders_are_what_rounding_took(path: Path, frames: np.ndarray) -> None:
    """In float32 too: mean and remainder together are the exact mean."""
    with (
        movistream.load(path, arithmetic="float32") as model,
        model.stream() as stream,
    ):
        for _ in range(20):
            for frame in frames:
                stream.step(frame)
        tensors = stream.snapshot().tensors
    mean, remainder = (tensors[name].astype(np.float64) for name in (POOL, REMAINDER))
    assert np.any(remainder)
    assert np.all(np.abs(remainder) <= np.spacing(np.abs(mean).astype(np.float32)))


@needs_float16
def test_long_streams_follow_what_changes(path: Path, frames: np.ndarray) -> None:
    """One scene, then another, each longer than float16 can count."""
    found: dict[str, tuple[np.ndarray, ...]] = {}
    scenes = [frames[0]] * 2600 + [255 - frames[0]] * 2600
    for name in ("float32", "float16"):
        with (
            movistream.load(path, threads=1, arithmetic=name) as model,
            model.stream(horizon_frames=MOST_FLOAT16_FRAMES) as stream,
        ):
            logits = [stream.step(scene).logits for scene in scenes]
            tensors = stream.snapshot().tensors
        found[name] = np.stack(logits), tensors[POOL].astype(np.float64), tensors["state_clock"]
    (exact, pool, clock), (half, half_pool, half_clock) = found["float32"], found["float16"]
    assert not np.array_equal(exact, half)
    cosine = (exact * half).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(half, axis=1)
    assert cosine.min() > 0.999
    np.testing.assert_allclose(half_pool, pool, atol=0.01 * np.abs(pool).max())
    assert clock.item() == half_clock.item() == MOST_FLOAT16_FRAMES


@needs_float16
def test_a_check_before_use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with movistream.load(path, check_arithmetic=True) as model:
        assert model.arithmetic == "float16"
        assert "float16" in repr(model)
    monkeypatch.setattr(loading, "lowest_cosine", lambda *_: 0.98)
    with movistream.load(path, check_arithmetic=True) as model:
        assert model.arithmetic == "float32"
    with pytest.raises(EngineError, match=r"the cosine of their logits is 0\.98"):
        movistream.load(path, arithmetic="float16", check_arithmetic=True)


@needs_float16
def test_streams_go_over_the_last_number(path: Path, frames: np.ndarray) -> None:
    """The clock is held without being told, and a shorter horizon stays as it is."""
    for horizon, expected in ((None, MOST_FLOAT16_FRAMES), (100_000, MOST_FLOAT16_FRAMES), (3, 3)):
        with movistream.load(path) as model, model.stream(horizon_frames=horizon) as stream:
            for _ in range(MOST_FLOAT16_FRAMES + 5):
                stream.step(frames[0])
            assert stream.snapshot().tensors["state_clock"].item() == expected


def test_weight_caches_are_for_float32(path: Path, tmp_path: Path, cpu_with_float16: None) -> None:
    with movistream.load(path, weight_cache=tmp_path) as model:
        assert model.arithmetic == "float32"
    with pytest.raises(EngineUnavailableError, match="no weight cache for float16"):
        movistream.load(path, weight_cache=tmp_path, arithmetic="float16")


def test_lowest_cosine(path: Path, model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        movistream.load(path, arithmetic="float32") as small,
        movistream.load(model_path) as exact,
    ):
        assert lowest_cosine(exact, exact) == pytest.approx(1)
        assert 0.999 < lowest_cosine(small, exact) < 1

        def fail(*_: object) -> None:
            raise EngineError("not a number")

        monkeypatch.setattr(movistream.Stream, "step", fail)
        assert lowest_cosine(small, exact) == 0


def test_a_manifest_without_all_remainders(path: Path) -> None:
    with movistream.load(path, arithmetic="float32") as model:
        manifest = model.manifest
    states = tuple(state for state in manifest.states if state.role != "remainder")
    assert float16_obstacle(msgspec.structs.replace(manifest, states=states)) is not None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([0.0, 0.0], [0.0, 0.0], 1.0),
        ([0.0, 0.0], [0.0, 2.0], 0.0),
        ([3.0, 4.0], [6.0, 8.0], 1.0),
        ([3.0, 4.0], [4.0, -3.0], 0.0),
        ([1.0, 0.0], [-2.0, 0.0], -1.0),
    ],
)
def test_cosines_by_hand(
    one: list[float],
    other: list[float],
    expected: float,
    path: Path,
    model_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        movistream.load(path, arithmetic="float32") as first,
        movistream.load(model_path) as second,
    ):

        def step(stream: movistream.Stream, image: np.ndarray) -> SimpleNamespace:
            logits = one if stream._model is first else other
            return SimpleNamespace(logits=np.array(logits, np.float32))

        monkeypatch.setattr(movistream.Stream, "step", step)
        assert lowest_cosine(first, second) == pytest.approx(expected)


@pytest.mark.parametrize(("cosine", "passes"), [(1.0, True), (0.99, True), (0.9899, False)])
def test_how_alike_answers_have_to_be(
    cosine: float, passes: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On any CPU: what would compute in float16 stands in for it."""
    opened = dict[str, movistream.Model]()

    def opening(name: str) -> movistream.Model:
        opened[name] = movistream.load(path, arithmetic="float32")
        return opened[name]

    monkeypatch.setattr(loading, "lowest_cosine", lambda *_: cosine)
    if passes:
        assert loading._checked(opening) is opened["float16"]
        opened["float16"].stream().close()
    else:
        with pytest.raises(EngineUnavailableError, match=rf"their logits is {cosine:.4f}"):
            loading._checked(opening)
        with pytest.raises(MovistreamError, match="is closed"):
            opened["float16"].stream()
    with pytest.raises(MovistreamError, match="is closed"):
        opened["float32"].stream()
    opened["float16"].close()


@pytest.mark.parametrize(
    ("horizon", "reached"), [(None, 2048), (100_000, 2048), (2049, 2048), (2047, 2047)]
)
def test_where_a_clock_of_float16_is_held(
    horizon: int | None, reached: int, path: Path, frames: np.ndarray
) -> None:
    """On any CPU: at 2,048, to which one more cannot be added."""
    assert np.float16(2048) + np.float16(1) == 2048
    with movistream.load(path, arithmetic="float32") as model:
        model.arithmetic = "float16"
        with model.stream(horizon_frames=horizon) as stream:
            stream.step(frames[0])
            snapshot = stream.snapshot()
            clock = np.full_like(snapshot.tensors["state_clock"], 2040)
            tensors = {**snapshot.tensors, "state_clock": clock}
            stream.restore(movistream.Snapshot(snapshot.model, 2040, tensors))
            for _ in range(12):
                stream.step(frames[0])
            assert stream.snapshot().tensors["state_clock"].item() == reached
