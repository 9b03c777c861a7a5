"""``python -m tests.fuzz``: hostile variants of model files through the runtime."""

from __future__ import annotations

import os

# Forking wants one thread.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import secrets
import sys
from pathlib import Path

from tests.fuzz.campaign import Plan, report, run_campaign, summary, try_files
from tests.fuzz.seeds import read_seeds
from tests.fuzz.variants import Seeds, make_variant


def main(arguments: list[str]) -> int:
    """Runs a campaign, or writes one variant; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="the campaign to repeat; a new one by default")
    parser.add_argument("--start", type=int, default=0, help="index of the first variant")
    parser.add_argument("--count", type=int, help="how many variants")
    parser.add_argument("--minutes", type=float, help="for how long")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--in-child", action="store_true", help="load files as strangers' files are"
    )
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--write", type=Path, metavar="FILE", help="only write the variant START")
    parser.add_argument("--files", type=Path, help="try the files of a folder instead")
    chosen = parser.parse_args(arguments)
    if chosen.files is not None:
        return _try_folder(chosen.files, chosen.folder / "work")
    number = secrets.randbelow(10**6) if chosen.seed is None else chosen.seed
    seeds = Seeds(read_seeds())
    if chosen.write is not None:
        variant = make_variant(seeds, number, chosen.start)
        chosen.write.write_bytes(variant.data)
        print(f"{chosen.write}: {variant.seed}: {' + '.join(variant.mutations)}")
        return 0
    plan = Plan(
        number=number,
        start=chosen.start,
        count=chosen.count,
        seconds=None if chosen.minutes is None else chosen.minutes * 60,
        workers=chosen.workers,
        in_child=chosen.in_child,
        folder=chosen.folder,
    )
    print(f"SEED={number}", flush=True)
    tally = run_campaign(plan, seeds, lambda line: print(line, flush=True))
    print(summary(plan, tally))
    path = plan.folder / f"report-{number}.json"
    path.write_text(json.dumps(report(plan, tally), indent=2))
    print(f"  {path}")
    return 1 if tally.failures else 0


def _try_folder(files: Path, work: Path) -> int:
    paths = sorted(files.glob("*.tflite"))
    broken = try_files(paths, work)
    for path, failures in broken:
        print(f"{', '.join(failures)}: {path}")
    print(f"{len(paths)} files, {len(broken)} of them break a promise")
    return 1 if broken or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
