"""``movistream bench`` on small files: its tables, its JSON, its page, its refusals."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from movistream.errors import EngineError, MovistreamError
from movistream.file.graph import map_file, read_model_file
from movistream.file.inspection import inspect_file
from movistream_benchmarks import process_memory, rounds
from movistream_benchmarks.bench_command import bench
from movistream_benchmarks.contender import Contender, moving_blocks, running
from movistream_benchmarks.peak_rates import floor_ms, measure_peak_rates
from movistream_benchmarks.rounds import measure
from movistream_benchmarks.work import total, work_by_type
from movistream_benchmarks.worker import FrameMemory, Round, Start

FAST = ["--rounds", "3", "--frames", "5"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(bench, list(map(str, arguments)))


@pytest.fixture(scope="module")
def outputs(
    model_path: Path, model_garden_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Result, Path]:
    """One run of two files, with everything that it writes."""
    folder = tmp_path_factory.mktemp("bench")
    page = folder / "report.html"
    options = ("--published", model_garden_path, "--threads", "1,2", "--output", page, "--json")
    return run(model_path, *options, *FAST), page


def test_models_side_by_side(outputs: tuple[Result, Path]) -> None:
    result, _ = outputs
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    names = [entry["name"] for entry in figures["results"]]
    assert names == [
        "model-garden, published loop, 1 thread",
        "model-garden, published loop, 2 threads",
        "frames, 1 thread",
        "frames, 2 threads",
    ]
    for entry in figures["results"]:
        times = entry["inference_ms"]
        assert 0 < times["min"] <= times["p5"] <= times["median"] <= times["p95"] <= times["max"]
        assert entry["floor_ms"] > 0
        assert entry["activations"]["floor_bytes"] <= entry["activations"]["planned_bytes"]
        assert entry["start"]["added"]["private_dirty_bytes"] > 10_000
        # Two layouts of one network, on the same frames.
        assert entry["cosine_to_first"] > 0.9999
    assert figures["results"][0]["ratio"] == {"median": 1.0, "lower": 1.0, "upper": 1.0}
    assert {"cpu", "versions", "taken_at"} <= figures["machine"].keys()


def test_tables_and_page_show_the_same(outputs: tuple[Result, Path]) -> None:
    result, page = outputs
    text = page.read_text()
    cells = re.findall(r"<td>([^<]+)</td>", text.split("<h2>Operators of")[0])
    assert len(cells) > 60
    assert text.count("<h2>Operators of") == 2
    assert all(cell.split()[0].rstrip(",") in result.output for cell in cells)
    assert text.count("<svg") == 4


def test_the_page_needs_nothing_else(outputs: tuple[Result, Path]) -> None:
    text = outputs[1].read_text()
    without_namespaces = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert "://" not in without_namespaces
    assert not re.search(r"<(script|link|img|iframe)\b|@import|url\((?!#)", without_namespaces)
    assert re.findall(r'href="([^"]*)"', without_namespaces)
    assert all(each.startswith("#") for each in re.findall(r'href="([^"]*)"', text))


def test_engines_side_by_side(model_path: Path) -> None:
    engines = "compiled-model,interpreter"
    result = run(model_path, "--engine", engines, "--json", *FAST)
    assert result.exit_code == 0, result.output
    found = [entry["start"]["engine"] for entry in json.loads(result.stdout)["results"]]
    assert found == engines.split(",")


def test_streams_that_take_turns(model_path: Path) -> None:
    result = run(model_path, "--streams", "1,3", "--json", *FAST)
    assert result.exit_code == 0, result.output
    one, three = json.loads(result.stdout)["results"]
    assert [entry["name"] for entry in (one, three)] == ["frames, 1 stream", "frames, 3 streams"]
    assert "'65' is no number of streams" in run(model_path, "--streams", "65").output
    frames = moving_blocks(7)
    with running(Contender(model_path, streams=3)) as runner:
        together = [runner.step(frame).logits for frame in frames]
    for stream in range(3):
        with running(Contender(model_path)) as runner:
            alone = [runner.step(frame).logits for frame in frames[stream::3]]
        assert np.array_equal(alone, together[stream::3])


def test_a_warm_weight_cache(model_path: Path, tmp_path: Path) -> None:
    result = run(model_path, "--weight-cache", tmp_path / "cache", *FAST)
    assert result.exit_code == 0, result.output
    assert "weight cache" in result.output
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_refusals_are_one_line(model_path: Path, tmp_path: Path) -> None:
    assert run().exit_code == 2
    assert "'0' is no number of threads" in run(model_path, "--threads", "1,0").output
    assert "'gpu' is none of auto" in run(model_path, "--engine", "gpu").output
    missing = tmp_path / "missing.tflite"
    for options, message in (
        ((missing,), r"missing\.tflite"),
        ((model_path, "--published", missing), r"missing\.tflite"),
        (("--published", model_path), "is no published file: its outputs"),
        ((model_path, "--engine", "tflite-runtime"), "tflite-runtime is not installed"),
    ):
        with pytest.raises(MovistreamError, match=message):
            CliRunner().invoke(bench, list(map(str, options)), catch_exceptions=False)
    with pytest.raises(MovistreamError, match="does not exist"):
        CliRunner().invoke(
            bench,
            [str(model_path), "--output", str(tmp_path / "no" / "page.html")],
            catch_exceptions=False,
        )


def test_names_with_markup_stay_text(model_path: Path, tmp_path: Path) -> None:
    odd = tmp_path / "<b>[red]&.tflite"
    shutil.copy(model_path, odd)
    page = tmp_path / "report.html"
    result = run(odd, "--output", page, *FAST)
    assert result.exit_code == 0, result.output
    assert "<b>[red]&" in result.output
    assert "<b>" not in page.read_text()
    assert "&lt;b&gt;[red]&amp;" in page.read_text()


def test_a_process_that_dies_is_an_error() -> None:
    context = multiprocessing.get_context("spawn")
    own, theirs = context.Pipe()
    process = context.Process(target=os._exit, args=(9,))
    process.start()
    theirs.close()
    worker = rounds._Worker(Contender(Path("a.tflite")), process, own)
    with pytest.raises(EngineError, match=r"a\.tflite: the process that runs it ended with 9"):
        worker.receive(Start)


def test_answers_that_change_are_an_error(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    def ask(worker: rounds._Worker, task: str, _frames: int, _kind: object) -> object:
        nonlocal count
        count += 1
        if task == "memory":
            return FrameMemory((1,), (1,), True, 0)
        return Round((1.0,), (1.0,), f"answers {count == 3}", np.zeros(1, np.float32))

    monkeypatch.setattr(rounds._Worker, "ask", ask)
    with pytest.raises(EngineError, match="other answers to the same frames"):
        measure([Contender(model_path)], rounds=3, frames=5)


def test_a_round_begins_anew(model_path: Path) -> None:
    frames = moving_blocks(4)
    with running(Contender(model_path)) as runner:
        first = [runner.step(frame).logits for frame in frames]
        runner.reset()
        assert np.array_equal(first, [runner.step(frame).logits for frame in frames])


def test_kernels_that_do_not_reset_the_peak(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_memory, "_CLEAR", tmp_path / "no" / "clear_refs")
    assert not process_memory.reset_peak()
    resident, peak = process_memory.read_resident_bytes()
    # A kernel counts each core's pages by itself, and adds them up now and then.
    assert 1e6 < resident <= peak <= process_memory.peak_bytes_of_life() + 2**20


def test_work_adds_up(model_path: Path) -> None:
    with map_file(model_path) as data:
        graph = next(iter(read_model_file(data, "a").signatures.values())).graph
    work = work_by_type(graph)
    whole = total(work)
    assert 0 < whole.operators <= len(graph.operators)
    assert whole.multiply_adds == inspect_file(model_path).multiply_adds
    # Every tensor is at least written once, or read once.
    assert whole.bytes_moved >= sum(tensor.bytes for tensor in graph.tensors)


def test_peak_rates_bound_a_step(model_path: Path) -> None:
    peak = measure_peak_rates("auto", 1)
    assert peak.bytes_per_s > 1e8
    assert all(rate > 1e8 for rate in peak.multiply_adds_per_s.values())
    with map_file(model_path) as data:
        graph = next(iter(read_model_file(data, "a").signatures.values())).graph
    expected = total(work_by_type(graph)).multiply_adds / peak.multiply_adds_per_s["float32"] * 1e3
    assert floor_ms(graph, peak) == pytest.approx(expected)
