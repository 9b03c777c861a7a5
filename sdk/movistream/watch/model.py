"""Models as programs have them: loaded from files, and able to watch sources."""

from __future__ import annotations

import os
from collections.abc import Sequence

from movistream.stream import ensemble, loading, model
from movistream.watch.watching import Watches


class Model(model.Model, Watches):
    """A loaded model: weights and an engine, shared by all its streams.

    Attributes:
        path: the path of the file.
        manifest: what the file says about itself.
        engine: the name of the engine that runs the model.
        threads: the number of threads that the engine uses.
        arithmetic: what float operators compute in, ``float32`` or ``float16``.
        fingerprint: the SHA-256 of the file, which tells models apart.
    """


class Ensemble(ensemble.Ensemble, Watches):
    """Models over the same classes that answer together: the mean of their logits.

    By default each sees every frame. Interleaved, they take turns: of N, each sees one frame in N,
    at its own rate, so that the frames may come N times as fast for the cost of one.

    Attributes:
        models: in their order; not closed with the ensemble.
        fingerprint: of the models and how they are combined.
    """


def load(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    engine: str = "auto",
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    weight_cache: str | os.PathLike[str] | None = None,
    arithmetic: str = "auto",
    check_arithmetic: bool = False,
    trust: str = "known",
) -> Model:
    """Loads a .tflite stream model, by its path or by its name.

    ``camera-motion`` comes with this package; ``movistream models`` lists all names.

    The file is checked before an engine sees it. One that this user did not convert on this machine
    is then tried in a child process, since engines trust much that no check can tell; where it
    runs, that is remembered (:mod:`.trust`), and the next load takes no longer than any other.

    A file that carries no movistream manifest, such as the published MoViNet stream files, is bound
    by the names in its signature. While a model is open, replace its file by renaming another over
    it; never overwrite it: engines read weights from it.

    Args:
        path: the path of the file, or a model's name. A path that exists wins over a name.
        threads: the number of threads that the engine uses. By default it is one for each
            available core, and at most 4.
        engine: ``compiled-model``, ``interpreter``, ``tflite-runtime``, or ``auto`` for the first
            of these that is installed.
        labels: names of the classes, in place of those in the file: a sequence of names, the path
            of a file with one a line, or ``kinetics600`` or ``jester`` for the classes of that
            data set.
        weight_cache: a folder of this machine where packed weights are kept for the next process,
            which then takes less memory of its own and starts sooner. For compiled-model only.
        arithmetic: what float operators compute in: ``float32``, ``float16``, or ``auto`` for
            float16 where file, CPU and engine have it and there is no weight cache. In float16,
            running means forget after 2,048 frames.
        check_arithmetic: before float16 is used, compare it with float32 on a few frames; where
            their logits' cosine falls below 0.99, ``auto`` takes float32.
        trust: which files are run without a trial: those that are ``known`` (converted here, or
            tried before), ``always`` all, ``never`` any.

    Raises:
        ModelError: if there is no such file or name, the file is damaged or not a stream model, or
            its trial crashes or hangs.
        EngineError: if the engine is not installed or refuses the file, or cannot compute as told.
        LabelsError: if the labels are not one per class, or are no labels.
    """
    return loading.load_as(
        Model,
        path,
        threads=threads,
        engine=engine,
        labels=labels,
        weight_cache=weight_cache,
        arithmetic=arithmetic,
        check_arithmetic=check_arithmetic,
        trust=trust,
    )
