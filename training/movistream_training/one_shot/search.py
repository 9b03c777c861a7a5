"""A one-shot search from beginning to end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from movistream.system.leftovers import remove_leftovers
from movistream.system.output import make_output_folder
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.one_shot.choices import choices_of, member_of
from movistream_training.one_shot.controller import (
    Controller,
    Drawn,
    absolute_reward,
    entropy,
    learnt,
    most_probable,
    new_controller,
)
from movistream_training.one_shot.course import (
    Course,
    Step,
    digest_of,
    resume,
    save,
    with_snapshot,
    write_results,
)
from movistream_training.one_shot.orders import assignments
from movistream_training.one_shot.replica import BatchSource, CostOf, Replica, use_one_thread
from movistream_training.one_shot.settings import Settings
from movistream_training.one_shot.shared_weights import SharedWeights
from movistream_training.one_shot.supernet import supernet_of
from movistream_training.one_shot.workers import Hired, Workers, in_this_process
from movistream_training.search.members import Task
from movistream_training.search.space import Space

OnStep: TypeAlias = Callable[[Step, Architecture], None]
"""Is told each step, and the member that is the most probable after it."""


@dataclass(frozen=True)
class Aim:
    """What members are judged by beside their accuracy.

    Attributes:
        cost_of: a member, in any unit; see :mod:`.search.cost`.
        target: the cost that it is to have, in that unit.
    """

    cost_of: CostOf
    target: float


def one_shot_search(
    space: Space,
    task: Task,
    training: BatchSource,
    judging: BatchSource,
    aim: Aim,
    settings: Settings,
    folder: Path,
    workers: Hired = in_this_process,
    on_step: OnStep | None = None,
) -> Architecture:
    """Trains all members of a space at once, and finds the one of the best reward.

    A search that was interrupted goes on from its last checkpoint, and ends with the very files
    that it would have ended with. These are ``arch.txt``, ``controller.json`` and ``history.csv``;
    they depend neither on how many workers there are nor on where these run, as long as all
    computers are of one kind.

    Args:
        task: that the members do.
        training: of the shared weights.
        judging: of members, by examples that no batch of the training has.
        folder: of the files; it is made where there is none.
        workers: who computes; :func:`.workers.in_this_process` or :func:`.ray_workers.on_ray`.

    Raises:
        SearchError: if the space leaves nothing to choose, the target is no cost, the folder holds
            another search, a batch does not fit a member, or workers cannot be had.
        OutputError: if the folder cannot be written in.
    """
    choices = choices_of(space)
    if not choices:
        raise SearchError(f"the space {space.name} has a single member: there is nothing to search")
    if not 0 < aim.target < math.inf:
        raise SearchError(f"the cost to aim at has to be above 0, and is {aim.target}")
    use_one_thread()
    make_output_folder(folder)
    remove_leftovers(folder)
    supernet = supernet_of(space, task)
    shared = SharedWeights(supernet, settings.recipe, settings.seed)
    begun_with = digest_of(space, task, aim.target, settings)
    course = resume(begun_with, shared, folder) or Course(begun_with, new_controller(choices))
    replica = Replica(supernet, training, judging, aim.cost_of, settings.label_smoothing)
    if len(course.steps) < settings.steps:
        with workers(replica) as hired:
            while len(course.steps) < settings.steps:
                course = _next(course, space, shared, hired, aim.target, settings)
                done = len(course.steps)
                if done in (settings.warm_up_steps, settings.steps) or (
                    done % settings.checkpoint_steps == 0
                ):
                    course = with_snapshot(course)
                    save(course, shared, folder)
                if on_step is not None:
                    on_step(course.steps[-1], found_by(space, course.controller))
    found = found_by(space, course.controller)
    write_results(course, choices, found, folder)
    return found


def found_by(space: Space, controller: Controller) -> Architecture:
    """The member that a controller draws most often."""
    return member_of(space, most_probable(controller))


def _next(
    course: Course,
    space: Space,
    shared: SharedWeights,
    workers: Workers,
    target: float,
    settings: Settings,
) -> Course:
    """The course with one step more, and the shared weights after it."""
    number = len(course.steps)
    assigned = assignments(space, course.controller, number, settings)
    orders = [each.order for each in assigned]
    outcomes = workers.carry_out(orders, shared.arrays())
    loss = _mean([outcome.loss for outcome in outcomes])
    if not math.isfinite(loss):
        raise SearchError(
            f"the loss became {loss} in step {number + 1}; a lower learning rate may help"
        )
    shared.learn(number, [o.member for o in orders], [o.gradients for o in outcomes])
    judged = [outcome.judged for outcome in outcomes if outcome.judged is not None]
    if not judged:
        step = Step(number + 1, loss, None, None, None, entropy(course.controller))
        return msgspec.structs.replace(course, steps=(*course.steps, step))
    drawn = [
        Drawn(each.decisions, absolute_reward(found.accuracy, found.cost, target, settings.beta))
        for each, found in zip(assigned, judged, strict=True)
    ]
    controller = learnt(course.controller, drawn, settings.controller)
    step = Step(
        step=number + 1,
        loss=loss,
        accuracy=_mean([found.accuracy for found in judged]),
        cost=_mean([found.cost for found in judged]),
        reward=_mean([each.reward for each in drawn]),
        entropy=entropy(controller),
    )
    return msgspec.structs.replace(course, controller=controller, steps=(*course.steps, step))


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
