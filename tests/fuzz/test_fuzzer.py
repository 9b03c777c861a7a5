"""The fuzzer itself: it notices what it is for, repeats itself by number, and reaches every row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from movistream.file.operators import STREAM_OPERATORS
from tests.fuzz.everything import parser_names
from tests.fuzz.mutation import MUTATIONS
from tests.fuzz.parsers import PARSERS, prepared
from tests.fuzz.single_operators import ROWS
from tests.fuzz.sketch import stream_model
from tests.fuzz.tree import put_together, taken_apart
from tests.fuzz.variants import NOT_THERE, Seeds, make_variant

ROOT = Path(__file__).parents[2]
CAMPAIGN = 20
MOST_VARIANTS = 200
OF_NETWORKS_ONLY = {"states-several-inputs"}
"""What takes more states than a sketch has; the corpus has such files."""

# One process for each: forking wants a process without TensorFlow's threads.
SEEDS = """
import os, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from pathlib import Path
from tests.fuzz.single_operators import ROWS
from tests.fuzz.sketch import stream_model
from tests.fuzz.variants import NOT_THERE, Seeds, make_variant
from tests.fuzz.campaign import Plan, run_campaign
seeds = Seeds({row.name: stream_model(row) for row in ROWS})
"""
CAMPAIGN_CODE = """
plan = Plan(number=int(sys.argv[1]), count=int(sys.argv[2]), folder=Path(sys.argv[3]))
tally = run_campaign(plan, seeds, lambda line: None)
print(tally.variants, dict(tally.outcomes))
sys.exit(tally.failures and 1)
"""
WEAKENED = """
import movistream.file.graph
movistream.file.graph._check_order = lambda *arguments: None
"""
SUPERVISED = """
import json, os, signal, time
from tests.fuzz.supervisor import supervise

def case(index):
    if index == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if index == 2:
        while True:
            pass
    if index == 4:
        os._exit(7)
    return {"square": index * index}

endings = supervise(case, start=0, workers=2, wanted=lambda index: index < 7, time_limit_s=0.5)
print(json.dumps([[e.index, e.report, e.failure] for e in endings]))
"""


def run(code: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def seeds() -> Seeds:
    return Seeds({row.name: stream_model(row) for row in ROWS})


def test_a_check_that_is_gone_is_noticed(tmp_path: Path) -> None:
    """Without the check of who writes which tensor, files crash an engine; with it, none does."""
    weak = run(SEEDS + WEAKENED + CAMPAIGN_CODE, CAMPAIGN, MOST_VARIANTS, tmp_path / "weak")
    assert weak.returncode == 1, weak.stdout + weak.stderr
    found = [json.loads(f.read_text()) for f in (tmp_path / "weak" / "found").glob("crash*.json")]
    assert found
    for each in found:
        assert Path(each["path"]).stat().st_size > 0
        assert each["mutations"]
        assert each["index"] < MOST_VARIANTS
    sound = run(SEEDS + CAMPAIGN_CODE, CAMPAIGN, MOST_VARIANTS, tmp_path / "sound")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert sound.stdout.startswith(f"{MOST_VARIANTS} ")
    assert "'ran'" in sound.stdout
    assert "'refused by check'" in sound.stdout


def test_who_dies_or_hangs_is_known_and_the_others_go_on() -> None:
    done = run(SUPERVISED)
    endings = {index: (report, failure) for index, report, failure in json.loads(done.stdout)}
    assert endings[1] == (None, "crash SIGSEGV")
    assert endings[2] == (None, "hang")
    assert endings[4] == (None, "crash exit 7")
    for index in (0, 3, 5, 6):
        assert endings[index] == ({"square": index * index}, "")


def test_a_number_is_a_variant(seeds: Seeds) -> None:
    code = SEEDS + (
        "import hashlib\n"
        "for i in range(30):\n"
        "    variant = make_variant(seeds, 3, i)\n"
        "    print(variant.seed, *variant.mutations, hashlib.sha256(variant.data).hexdigest())\n"
    )
    one, other = run(code, PYTHONHASHSEED="1"), run(code, PYTHONHASHSEED="2")
    assert one.returncode == 0, one.stderr
    assert one.stdout == other.stdout
    assert len(set(one.stdout.splitlines())) == 30
    assert make_variant(seeds, 3, 7) != make_variant(seeds, 4, 7)


def test_every_operator_has_a_seed() -> None:
    assert {row.code for row in ROWS} >= STREAM_OPERATORS
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_a_tree_is_the_file(seeds: Seeds) -> None:
    for data in seeds.files.values():
        assert put_together(taken_apart(data)) == put_together(
            taken_apart(put_together(taken_apart(data)))
        )


@pytest.mark.parametrize("name", [name for name in MUTATIONS if name not in OF_NETWORKS_ONLY])
def test_every_kind_does_something(name: str, seeds: Seeds) -> None:
    for number in range(3000):
        random = Random(number)
        seed = seeds.draw(random)
        tree = seeds.tree(seed)
        try:
            MUTATIONS[name].edit(tree, random)
            changed = put_together(tree)
        except NOT_THERE:
            continue
        if changed != seeds.files[seed]:
            return
    pytest.fail(f"{name} changes nothing")


@pytest.mark.parametrize("name", PARSERS)
def test_parsers_take_their_examples_and_noise(name: str, tmp_path: Path) -> None:
    parse = prepared(PARSERS[name], tmp_path)
    examples = [data for data, _ in zip(PARSERS[name].examples(), range(3), strict=False)]
    for data in (*examples, b"", b"\0", b"\xff" * 100, b"[" * 100_000, bytes(range(256))):
        parse(data)


def test_every_parser_is_fuzzed() -> None:
    assert parser_names() == tuple(PARSERS)
