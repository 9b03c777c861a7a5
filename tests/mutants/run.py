"""Changes modules in small ways, one at a time, and counts the changes that their tests notice.

    python tests/mutants/run.py                            the whole sample
    python tests/mutants/run.py --quick                    the first few of the fast modules
    python tests/mutants/run.py sdk/movistream/watch/scores.py   the sample of one module

``modules.toml`` says which modules are changed, and which tests have to notice; ``living.toml``
which changes are known to live, and why.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from forked import Run, measured, noticed
from listed import LEAST_NOTICED, Living, read_living, read_modules
from mutations import Mutation, sample

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Prints what lives; returns 1 if some of it is not listed, or it is too much."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="by default all")
    parser.add_argument("--quick", action="store_true", help="the short run")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    living = read_living()
    sampled: dict[str, list[Mutation]] = {}
    tests: dict[str, tuple[str, ...]] = {}
    for module in read_modules():
        if options.modules and module.path not in options.modules:
            continue
        code = (ROOT / module.path).read_text(encoding="utf-8")
        found = sample(module.path, code, module.sample)
        if options.quick:
            # What has no effect cannot be noticed, and takes the longest.
            able = [m for m in found if living.get(m.name, Living(True, "")).has_effect]
            found = able[: module.quick]
        if found:
            sampled[module.path], tests[module.path] = found, module.tests
    print(f"{sum(map(len, sampled.values()))} changes of {len(sampled)} modules", flush=True)
    limits_s = measured(tests, options.processes)
    runs = [
        Run(mutation, tests[path], limits_s[path])
        for path, mutations in sampled.items()
        for mutation in mutations
    ]
    survivors = []
    for run, is_noticed in noticed(runs, options.processes):
        if not is_noticed:
            survivors.append(run.mutation)
            print(f"lives: {run.mutation.path}, line {run.mutation.line}", flush=True)
    return _report([run.mutation for run in runs], survivors, living)


def _report(
    mutations: Sequence[Mutation],
    survivors: Sequence[Mutation],
    living: dict[tuple[str, str, str, str], Living],
) -> int:
    for mutation in mutations:
        if mutation.name in living and mutation not in survivors:
            print(f"\nlisted as living, and noticed now: {_as_listed(mutation)}")
    unlisted = [mutation for mutation in survivors if mutation.name not in living]
    for mutation in unlisted:
        print(f"\nlives, and is not listed (line {mutation.line}):\n{_as_listed(mutation)}")
    no_effect = [m for m in survivors if m.name in living and not living[m.name].has_effect]
    able = len(mutations) - len(no_effect)
    share = (len(mutations) - len(survivors)) / max(1, able)
    print(
        f"\n{len(mutations)} changes, {len(no_effect)} without effect; of the others"
        f" {share:.1%} were noticed, {LEAST_NOTICED:.0%} have to be"
    )
    return int(bool(unlisted) or share < LEAST_NOTICED)


def _as_listed(mutation: Mutation) -> str:
    """How ``living.toml`` has it."""
    fields = dict(zip(("path", "where", "before", "after"), mutation.name, strict=True))
    lines = "\n".join(f"{name} = '''{text}'''" for name, text in fields.items())
    return f'[[living]]\n{lines}\nhas_effect = true\nreason = ""'


if __name__ == "__main__":
    sys.exit(main())
