"""Which member each replica has in a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from movistream_training.one_shot.choices import (
    Choice,
    Decisions,
    choices_of,
    decisions_that_matter,
    member_of,
)
from movistream_training.one_shot.controller import Controller, draw
from movistream_training.one_shot.replica import Order
from movistream_training.one_shot.settings import Settings
from movistream_training.search.space import Space

_DRAWS_WORTH_A_GRAPH = 15
"""So often a member has to come before its traced graph has paid for the tracing."""


@dataclass(frozen=True)
class Assignment:
    """A replica's order, and how the controller came to it.

    Attributes:
        decisions: that matter for the member.
    """

    order: Order
    decisions: Decisions


def assignments(
    space: Space, controller: Controller, step: int, settings: Settings
) -> list[Assignment]:
    """Of all replicas in a step; they depend on the seed, the step and the controller alone.

    In the warm-up, each choice that has a form with all alternatives' weights takes it with the
    settings' probability, and nothing is judged.

    Args:
        step: from 0.
    """
    choices = choices_of(space)
    is_judged = step >= settings.warm_up_steps
    is_traced = is_judged and _draws_of_a_member(choices, settings) >= _DRAWS_WORTH_A_GRAPH
    found = []
    for replica in range(settings.replicas):
        generator = np.random.default_rng([settings.seed, step, replica])
        decisions = draw(controller, generator)
        widened = {
            choice.name
            for choice in choices
            if choice.can_be_widened and generator.random() < settings.widening_at(step)
        }
        order = Order(step, replica, member_of(space, decisions, widened), is_judged, is_traced)
        found.append(Assignment(order, decisions_that_matter(space, decisions)))
    return found


def _draws_of_a_member(choices: Sequence[Choice], settings: Settings) -> float:
    """How often each would come if all came equally often."""
    members = math.prod(len(choice.alternatives) for choice in choices)
    return (settings.steps - settings.warm_up_steps) * settings.replicas / members
