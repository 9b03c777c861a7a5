"""Watches two sources in one asyncio program; either may fail without the other.

python examples/async_loop.py MODEL A.mp4 rtsp://camera/1
"""

import asyncio
import sys

import movistream


async def follow(model: movistream.Model, source: str) -> None:
    """Prints what one source shows, once for each new label."""
    before = None
    try:
        async for step in model.watch(source):
            if step.label != before:
                print(f"{step.stream} at {step.time_s:.1f} s: {step.label} {step.score:.2f}")
                before = step.label
    except movistream.VideoError as error:
        print(f"{source} failed: {error}")


async def main() -> None:
    """Watches all sources at once."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    model_path, *sources = sys.argv[1:]
    with movistream.load(model_path) as model:
        await asyncio.gather(*(follow(model, source) for source in sources))


asyncio.run(main())
