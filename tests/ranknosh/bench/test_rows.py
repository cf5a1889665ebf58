import numpy as np

from ranknosh.bench.account import Trajectory
from ranknosh.bench.rows import To, epochs_to, on_one_grid


def run(*steps: tuple[int, float]) -> Trajectory:
    epochs, regret = np.array([e for e, _ in steps], np.int64), np.array([r for _, r in steps])
    return Trajectory(epochs, np.zeros(len(steps), np.int64), regret)


ONE = run((12, 4.0), (24, 4.0), (36, 1.0), (48, 1.0), (236, 0.0))
TWO = run((12, 2.0), (24, 2.0), (212, 3.0), (224, 0.5))


def test_first_times_by_hand() -> None:
    runs = [ONE, TWO]
    at, regrets = on_one_grid(runs)
    assert at.tolist() == [12, 36, 212, 224, 236]
    assert regrets.tolist() == [[4.0, 1.0, 1.0, 1.0, 0.0], [2.0, 2.0, 3.0, 0.5, 0.5]]
    # The mean is 3, 1.5, 2, 0.75 and 0.25.
    assert [epochs_to(target, runs).epochs for target in (5.0, 3.0, 1.9, 0.75, 0.1)] == [12, 12, 36, 224, None]


def test_nothing_is_said_before_all_runs_have_an_incumbent() -> None:
    runs = [ONE, run((200, 1.0))]
    at, regrets = on_one_grid(runs)
    assert (at.tolist(), regrets.tolist()) == ([200, 236], [[1.0, 0.0], [1.0, 1.0]])
    assert epochs_to(1.0, runs).epochs == 200


def many(seed: int, runs: int = 12) -> list[Trajectory]:
    rng = np.random.default_rng(seed)
    return [run(*((12 * (i + 1), float(r)) for i, r in enumerate(rng.integers(0, 4, 30)))) for _ in range(runs)]


def test_the_mean_is_that_of_the_regrets_at_every_epoch() -> None:
    runs = many(0)
    for target in (1.9, 1.4, 1.2, 1.0):
        means = {epochs: np.mean([each.regret_at(epochs) for each in runs]) for epochs in range(12, 400)}
        expected = next((epochs for epochs, mean in means.items() if mean <= target + 1e-9), None)
        assert epochs_to(target, runs).epochs == expected


def test_the_interval_is_that_of_samples_with_repetition() -> None:
    runs = many(1)
    found = epochs_to(1.2, runs)
    rng = np.random.default_rng(2)
    drawn = [epochs_to(1.2, [runs[index] for index in rng.integers(0, 12, 12)]).epochs for _ in range(500)]
    firsts = np.sort([np.inf if first is None else first for first in drawn])
    low, high = [np.inf if end is None else end for end in (found.low, found.high)]
    assert firsts[15] <= low <= firsts[35]
    assert firsts[-35] <= high <= firsts[-15]
    assert low < high
    alone = epochs_to(1.2, runs[:1])
    assert (alone.low, alone.high) == (alone.epochs, alone.epochs)
    assert epochs_to(4.0, runs) == To(4.0, 12, 12, 12)
