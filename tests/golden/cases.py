"""The searches whose every decision is frozen under ``decisions/``."""

from __future__ import annotations

from ranknosh.core.budget import Limits
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice, randint
from tests.golden.searches import Case, Faults, cells, large, nosh, scores, simulated, tabular, tune

EVERY_KIND: Faults = {
    (0, 1): "diverged",
    (1, 1): "out_of_memory",
    (2, 1): "out_of_memory out_of_memory",
    (3, 1): "raised",
    (4, 1): "invalid",
    (5, 1): "crashed hung",
    (6, 1): "crashed hung crashed",
    (7, 1): "lost lost checkpoint_damaged crashed lost",
    **{(number, 1): "diverged" for number in range(12, 16)},
    **{(number, 2): "interrupted diverged" for number in range(0, 60, 4)},
    **{(number, 3): "interrupted lost raised" for number in range(1, 60, 3)},
}
HALTED: Faults = {
    **{(number, 2): "interrupted diverged" for number in range(0, 90, 3)},
    **{(number, 3): "interrupted interrupted diverged" for number in range(1, 90, 2)},
}

CASES: dict[str, Case] = {
    "reproducible": Case("batch by batch, ratio 0.5, a number of candidates", nosh(candidates=30)),
    "ratio_auto": Case("ratio auto under an epoch budget", nosh(ratio="auto", limits=Limits(epochs=110))),
    "eager": Case("eager, one worker", nosh(schedule="eager", candidates=26)),
    "eager_three_workers": Case(
        "eager, three workers that end in another order than they began",
        nosh(schedule="eager", limits=Limits(epochs=90)),
        workers=3,
        shuffle=1,
    ),
    "hyperband": Case(
        "rounds of brackets, the last one cut short by the budget, failures, closing promotions",
        nosh(schedule="hyperband", epochs=(1, 2, 4), limits=Limits(epochs=75), closing=0.1),
        {**{(number, 1): "diverged" for number in range(2, 30, 7)}, (4, 2): "crashed lost", (6, 3): "raised"},
    ),
    "overlap_2": Case("two batches in flight", nosh(overlap=2, limits=Limits(epochs=120))),
    "overlap_3": Case(
        "three batches in flight, trainings that are interrupted and then fail, finalists",
        nosh(overlap=3, epochs=(1, 3, 7), limits=Limits(epochs=100), finalists=2),
        HALTED,
    ),
    "promote_predicted": Case(
        "promotions by the predictor, the promoted of some levels fail",
        nosh(predictor="kernel", promote="predicted", batch=2, limits=Limits(epochs=110)),
        {(number, 2): "diverged" for number in range(0, 90, 2)},
    ),
    "finalists": Case(
        "three finalists are trained again, one of them in vain",
        nosh(epochs=(1, 2, 4), limits=Limits(epochs=96), finalists=3),
        {(number, 3, 1): "crashed diverged" for number in range(0, 30, 3)},
    ),
    "closing": Case("a fifth of the budget for closing promotions", nosh(closing=0.2, limits=Limits(epochs=100))),
    "failures": Case(
        "failures of every kind", nosh(epochs=(1, 3, 6), retries=2, limits=Limits(epochs=110)), EVERY_KIND
    ),
    "failures_overlap": Case(
        "failures of every kind, two batches in flight",
        nosh(epochs=(1, 3, 6), retries=2, overlap=2, limits=Limits(epochs=110)),
        EVERY_KIND,
    ),
    "lost_again": Case(
        "one job is lost again and again",
        nosh(candidates=20),
        {(3, 1): "lost " * 6 + "checkpoint_damaged " * 4},
    ),
    "nothing_learned": Case(
        "every training diverges", nosh(candidates=12), {(number, 1): "diverged" for number in range(12)}
    ),
    "stopped_twice": Case(
        "stopped twice by its user and resumed, four workers",
        nosh(candidates=24),
        workers=4,
        shuffle=2,
        stops=(35, 70),
    ),
    "limit_wall": Case(
        "a wall time limit, two workers",
        nosh(limits=Limits(wall_seconds=60)),
        workers=2,
    ),
    "limit_device": Case("a device time limit", nosh(limits=Limits(device_seconds=100))),
    "limit_disk": Case("a disk limit", nosh(limits=Limits(disk_bytes=4300))),
    "space_exhausted": Case(
        "a space with fewer architectures than candidates",
        nosh(lambda: FlatSpace({"kind": choice(list("abcde")), "n": randint(1, 4)}, label="few"), candidates=40),
    ),
    "level_zero": Case(
        "proxy scores choose the first candidates and later random ones follow them",
        nosh(cells, follow=0.5, proposer={"exploration": 0.4}, candidates=30),
        before=scores(),
    ),
    "tune": Case(
        "the search of the Ray Tune pair on a space too large to list, with points of the user's own",
        tune(2, levels=(1, 3, 9), budget=90, closing=0.3, finalists=1, promote="predicted", predictor="kernel"),
    ),
    "tune_overlap": Case(
        "the Ray Tune pair with overlap, fixed ratios, few retries",
        tune(levels=(1, 2, 5), ratio=(0.5, 0.25), candidates=30, budget=90, overlap=2, retries=1, predictor="kernel"),
        {(number, 1): "crashed crashed" for number in range(2, 30, 5)},
    ),
    "tabular": Case(
        "a table in place of training, finalists",
        nosh(
            cells,
            "kernel",
            epochs=(12, 200),
            ratio="auto",
            initial=10,
            batch=5,
            limits=Limits(epochs=3000),
            finalists=2,
        ),
        executor=tabular,
    ),
    "simulated_cluster": Case(
        "workers in virtual time that die, straggle and are doubled",
        nosh(limits=Limits(epochs=110), overlap=2),
        executor=simulated,
    ),
    "predictor_linear": Case(
        "the linear predictor; its mean, because its draws follow the signs of singular vectors, which differ between machines",
        nosh(predictor="linear", proposer={"acquisition": "mean"}, candidates=24),
    ),
    "predictor_random": Case("the random predictor", nosh(predictor="random", candidates=24)),
    "predictor_kernel_cells": Case(
        "the kernel on NAS-Bench-201, upper confidence bound",
        nosh(cells, "kernel", proposer={"acquisition": "ucb"}, candidates=30),
    ),
    "predictor_auto": Case(
        "the predictor chosen by cross-validation, mean prediction, pairs at the common level",
        nosh(predictor="auto", proposer={"acquisition": "mean", "rule": "common", "near_tie": 0.01}, candidates=36),
    ),
    "predictor_staged": Case("the staged predictor", nosh(predictor="staged", candidates=30)),
    "predictor_ensemble": Case(
        "a bootstrap ensemble of mixed kinds, pairs that agree, weights by level",
        nosh(predictor="ensemble", proposer={"rule": "agree", "level_weight": 0.5}, candidates=26),
    ),
    "predictor_large_space": Case(
        "a space too large to list, grown candidates",
        nosh(large, "auto", proposer={"acquisition": "mean"}, candidates=20),
    ),
}
