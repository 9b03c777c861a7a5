"""The controller: what it learns from rewards, and that it is saved whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pytest

from movistream_training.one_shot.choices import Choice, choices_of, member_of
from movistream_training.one_shot.controller import (
    Controller,
    Drawn,
    Learning,
    absolute_reward,
    draw,
    entropy,
    learnt,
    most_probable,
    new_controller,
    probabilities,
)
from tests.training.moving_textures import (
    BEST,
    TARGET,
    all_decisions,
    cost_of,
    sees_motion,
    toy_space,
)

CHOICES = (Choice("a", ("1", "2", "3")), Choice("b", ("1", "2")))
LEARNING = Learning(learning_rate=0.1, baseline_decay=0.9)


def learn_from(
    controller: Controller, reward: Callable[[dict[str, int]], float], seed: int, steps: range
) -> Controller:
    for step in steps:
        drawn = []
        for replica in range(4):
            decisions = draw(controller, np.random.default_rng([seed, step, replica]))
            drawn.append(Drawn(decisions, reward(decisions)))
        controller = learnt(controller, drawn, LEARNING)
    return controller


def toy_reward(seed: int) -> Callable[[dict[str, int]], float]:
    """As 16 clips would show it: tabulated, with the noise of so few."""
    generator = np.random.default_rng([seed, 99])
    costs = {
        tuple(decisions.values()): cost_of(member_of(toy_space(), decisions))
        for decisions in all_decisions()
    }

    def reward(decisions: dict[str, int]) -> float:
        right = generator.binomial(16, 1.0 if sees_motion(decisions) else 0.5)
        return absolute_reward(right / 16, costs[tuple(decisions.values())], TARGET, -1.0)

    return reward


def test_it_finds_the_best_member() -> None:
    found = [
        most_probable(
            learn_from(new_controller(choices_of(toy_space())), toy_reward(seed), seed, range(150))
        )
        for seed in range(10)
    ]
    assert found.count(BEST) >= 9


def test_where_all_are_alike_nothing_is_preferred() -> None:
    """All choices of equal rewards keep equal chances, whatever is drawn."""
    learned = learn_from(new_controller(CHOICES), lambda _: 0.7, 1, range(20))
    expected = math.log(3) + math.log(2)
    assert entropy(new_controller(CHOICES)) == pytest.approx(expected)
    assert entropy(learned) == pytest.approx(expected, abs=1e-3)


def test_what_is_decided_has_no_entropy() -> None:
    learned = learn_from(new_controller(CHOICES), lambda d: float(d["a"] == 2), 1, range(300))
    assert most_probable(learned)["a"] == 2
    assert probabilities(learned)["a"][2] > 0.95
    assert entropy(learned) < entropy(new_controller(CHOICES)) - 0.8


def test_an_update_is_reinforce() -> None:
    """Worked out by hand: two replicas, rewards 1 and 0, equal chances, and a baseline of 0.5."""
    drawn = [Drawn({"a": 0, "b": 1}, 1.0), Drawn({"a": 1, "b": 1}, 0.0)]
    learned = learnt(new_controller(CHOICES), drawn, LEARNING)
    # (0.5 · (1 − 1/3) + 0.5 · 1/3) / 2, then its opposite for the other; b cancels out.
    assert np.sqrt(np.array(learned.squares["a"]) / 1e-3) == pytest.approx([0.25, 0.25, 0.0])
    assert learned.logits["a"] == pytest.approx([0.1, -0.1, 0.0])
    assert learned.logits["b"] == pytest.approx([0.0, 0.0])
    assert learned.baseline == pytest.approx(0.05)
    # The next baseline is the mean of 0.5 and 0.9, weighed 9 to 10.
    baseline = (0.9 * 0.1 * 0.5 + 0.1 * 0.9) / (1 - 0.81)
    again = learnt(learned, [Drawn({"b": 0}, 0.9)], LEARNING)
    gradient = (0.9 - baseline) * 0.5
    expected = math.sqrt(1e-3 * gradient**2)
    assert np.sqrt(again.squares["b"]) == pytest.approx([expected, expected])
    assert again.logits["b"][0] > 0 > again.logits["b"][1]


def test_what_does_not_matter_is_not_learnt_from() -> None:
    begun = new_controller(CHOICES)
    learned = learnt(begun, [Drawn({"a": 0}, 1.0), Drawn({"a": 1}, 0.0)], LEARNING)
    assert learned.logits["b"] == begun.logits["b"]
    assert learned.logits["a"] != begun.logits["a"]


@pytest.mark.parametrize("cost", [50.0, 150.0])
def test_too_cheap_loses_as_much_as_too_dear(cost: float) -> None:
    assert absolute_reward(0.8, cost, 100.0, -0.5) == pytest.approx(0.8 - 0.25)
    assert absolute_reward(0.8, 100.0, 100.0, -0.5) == 0.8


def test_decisions_are_drawn_as_often_as_the_chances_say() -> None:
    controller = msgspec.structs.replace(
        new_controller(CHOICES), logits={"a": [0.0, math.log(2), 0.0], "b": [0.0, math.log(9)]}
    )
    generator = np.random.default_rng(0)
    drawn = [draw(controller, generator) for _ in range(4000)]

    def shares(name: str, count: int) -> Sequence[float]:
        return [sum(each[name] == index for each in drawn) / 4000 for index in range(count)]

    assert shares("a", 3) == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert shares("b", 2) == pytest.approx([0.1, 0.9], abs=0.02)


def test_saved_and_read_back_it_goes_on_as_if_nothing_had_been() -> None:
    def reward(decisions: dict[str, int]) -> float:
        return 0.3 * decisions["a"] - 0.1 * decisions["b"]

    whole = learn_from(new_controller(CHOICES), reward, 5, range(40))
    half = learn_from(new_controller(CHOICES), reward, 5, range(17))
    read = msgspec.json.decode(msgspec.json.encode(half), type=Controller)
    assert read == half
    again = learn_from(read, reward, 5, range(17, 40))
    assert msgspec.json.encode(again) == msgspec.json.encode(whole)
