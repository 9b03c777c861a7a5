"""A campaign: many variants through the runtime, counted by what became of them."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.supervisor import Ending, supervise
from tests.fuzz.trial import peak_bytes, reset_peak, trust_in_process, try_file
from tests.fuzz.variants import Seeds, Variant, make_variant

MOST_BYTES = 10**9
_SAY_EVERY_S = 60
FAILURES = ("crash", "hang", "foreign exception", "memory")


@dataclass(frozen=True)
class Plan:
    """Which variants are tried, and how.

    Attributes:
        number: of the campaign; the same one makes the same variants.
        start: index of the first variant.
        count: of variants; None for as many as the time allows.
        seconds: after which no more are begun; None for no limit.
        workers: processes.
        in_child: try files as they are tried by default, with a child process that dies in place of
            this one; otherwise ``load`` is told to trust them, so that its checks stand alone.
        folder: where reproducers and the report go.
    """

    number: int
    start: int = 0
    count: int | None = None
    seconds: float | None = None
    workers: int = 2
    in_child: bool = False
    folder: Path = Path("build/fuzz")


@dataclass
class Tally:
    """Counts of a campaign."""

    variants: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    ran_with: Counter[str] = field(default_factory=Counter)
    seeds: Counter[str] = field(default_factory=Counter)
    found: list[dict[str, Any]] = field(default_factory=list)
    peak_bytes: int = 0
    slowest_s: float = 0.0
    seconds: float = 0.0

    @property
    def failures(self) -> int:
        """Variants that ended in none of the ways that are promised."""
        return sum(self.outcomes[kind] for kind in FAILURES)


def run_campaign(plan: Plan, seeds: Seeds, say: Callable[[str], None] = print) -> Tally:
    """Runs a campaign.

    Args:
        say: told of each reproducer when it is found, and each minute how it goes.
    """
    options = {} if plan.in_child else trust_in_process()
    tally = Tally()
    begun = time.monotonic()
    work = plan.folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    # What is learnt of these files is not for the user's own folders.
    os.environ["XDG_CACHE_HOME"] = os.environ["XDG_CONFIG_HOME"] = str(work.absolute())

    def wanted(index: int) -> bool:
        if plan.count is not None and index >= plan.start + plan.count:
            return False
        return plan.seconds is None or time.monotonic() - begun < plan.seconds

    def case(index: int) -> dict[str, Any]:
        variant = make_variant(seeds, plan.number, index)
        return {
            **tried(variant, work / f"{index % plan.workers}.tflite", options),
            "seed": variant.seed,
            "mutations": variant.mutations,
        }

    said = 0.0
    for ending in supervise(case, start=plan.start, workers=plan.workers, wanted=wanted):
        failures = _count(tally, ending)
        if failures:
            variant = make_variant(seeds, plan.number, ending.index)
            tally.found.append(_keep(plan, ending.index, variant, failures))
            say(_line(tally.found[-1]))
        if time.monotonic() - begun > said + _SAY_EVERY_S:
            said += _SAY_EVERY_S
            say(f"{tally.variants} variants: {_counts(tally)}; {tally.peak_bytes / 1e6:.0f} MB")
    tally.seconds = time.monotonic() - begun
    return tally


def try_files(paths: Sequence[Path], folder: Path) -> list[tuple[Path, list[str]]]:
    """Tries whole files as variants are tried; returns those that broke a promise, and how."""
    options = trust_in_process()
    folder.mkdir(parents=True, exist_ok=True)

    def case(index: int) -> dict[str, Any]:
        variant = Variant(paths[index].name, (), paths[index].read_bytes())
        return tried(variant, folder / "file.tflite", options) | {"seed": "", "mutations": []}

    def wanted(index: int) -> bool:
        return index < len(paths)

    endings = supervise(case, start=0, workers=1, wanted=wanted)
    tally = Tally()
    found = [(paths[ending.index], _count(tally, ending)) for ending in endings]
    return [(path, failures) for path, failures in found if failures]


def tried(variant: Variant, path: Path, options: dict[str, str]) -> dict[str, Any]:
    """What became of a variant on each engine, and the memory that it took."""
    path.unlink(missing_ok=True)  # Who has it mapped keeps it.
    path.write_bytes(variant.data)
    reset_peak()
    outcomes = try_file(path, options)
    return {"outcomes": outcomes, "peak_bytes": peak_bytes()}


def _count(tally: Tally, ending: Ending) -> list[str]:
    """Adds one ending; returns what it broke."""
    tally.variants += 1
    tally.slowest_s = max(tally.slowest_s, ending.seconds)
    if ending.report is None:
        tally.outcomes[ending.failure.partition(" ")[0]] += 1
        tally.kinds[ending.failure] += 1
        return [ending.failure]
    outcomes = list(ending.report["outcomes"].values())
    tally.kinds.update(outcomes)
    tally.mutations.update(ending.report["mutations"])
    tally.seeds[ending.report["seed"]] += 1
    tally.peak_bytes = max(tally.peak_bytes, ending.report["peak_bytes"])
    broken = [outcome for outcome in outcomes if outcome.startswith("foreign exception")]
    if ending.report["peak_bytes"] > MOST_BYTES:
        broken.append(f"memory {ending.report['peak_bytes'] / 1e6:.0f} MB")
    if broken:
        tally.outcomes[next(kind for kind in FAILURES if broken[0].startswith(kind))] += 1
        return broken
    classes = {outcome.partition(":")[0] for outcome in outcomes}
    for name in ("ran", "refused by engine", "refused by check", "refused otherwise"):
        if name in classes:
            tally.outcomes[name] += 1
            break
    if "ran" in classes:
        tally.ran_with.update(ending.report["mutations"])
    return []


def _keep(plan: Plan, index: int, variant: Variant, failures: list[str]) -> dict[str, Any]:
    """Saves a reproducer, and what is known about it."""
    kind = failures[0].split(":")[0].replace(" ", "-").lower()
    folder = plan.folder / "found"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{plan.number}-{index}.tflite"
    path.write_bytes(variant.data)
    about = {
        "path": str(path),
        "failures": failures,
        "campaign": plan.number,
        "index": index,
        "seed": variant.seed,
        "mutations": list(variant.mutations),
    }
    path.with_suffix(".json").write_text(json.dumps(about, indent=2))
    return about


def _counts(tally: Tally) -> str:
    return ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())


def _line(found: dict[str, Any]) -> str:
    done = " + ".join(found["mutations"])
    return f"{', '.join(found['failures'])}: {found['path']}: {found['seed']}: {done}"


def report(plan: Plan, tally: Tally) -> dict[str, Any]:
    """A campaign as JSON."""
    return {
        "campaign": plan.number,
        "start": plan.start,
        "variants": tally.variants,
        "seconds": round(tally.seconds, 1),
        "in_child": plan.in_child,
        "outcomes": dict(tally.outcomes.most_common()),
        "peak_megabytes": round(tally.peak_bytes / 1e6),
        "slowest_s": tally.slowest_s,
        "kinds": dict(tally.kinds.most_common()),
        "mutations": dict(sorted(tally.mutations.items())),
        "ran_with": dict(sorted(tally.ran_with.items())),
        "seeds": dict(sorted(tally.seeds.items())),
        "found": tally.found,
    }


def summary(plan: Plan, tally: Tally) -> str:
    """A campaign in a few lines."""
    rate = tally.variants / max(tally.seconds, 1e-9)
    checks = sum(kind.startswith("refused by check") for kind in tally.kinds)
    return (
        f"{tally.variants} variants of {len(tally.seeds)} files by {len(tally.mutations)} kinds of"
        f" mutation in {tally.seconds:.0f} s ({rate:.0f}/s), SEED={plan.number}\n"
        f"  {_counts(tally)}\n"
        f"  {checks} kinds of refusal by checks; peak memory {tally.peak_bytes / 1e6:.0f} MB;"
        f" slowest {tally.slowest_s:.1f} s"
    )
