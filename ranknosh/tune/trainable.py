"""A user's training function as a Tune trainable whose every step is a whole rung."""

import shutil
from pathlib import Path
from typing import Any

from ray import tune

from ranknosh.tune.rungs import TrainFunction, checked
from ranknosh.tune.searcher import CONFIG_KEY


def as_trainable(train: TrainFunction) -> type[tune.Trainable]:
    """A trainable class for ``train(config, folder, start, stop, seed) -> metrics``; see ``rungs.TrainFunction``.

    Each step trains from one level's epoch to the next, in a folder of the trial that is saved and loaded whole, and reports the
    metrics with ``training_iteration`` set to the finished epochs. Actors may be reused. The same function runs on our own
    executors by ``RungRunner``.
    """
    return type(getattr(train, "__name__", "train"), (_RungTrainable,), {"function": staticmethod(train)})


class _RungTrainable(tune.Trainable):
    function: TrainFunction

    def setup(self, config: dict[str, Any]) -> None:
        if CONFIG_KEY not in config:
            raise ValueError(
                "this trainable runs under ranknosh's RankSearcher, which puts the levels into config['nosh']"
            )
        self._own = config[CONFIG_KEY]
        self._config = {key: value for key, value in config.items() if key != CONFIG_KEY}
        self._epoch = 0
        self._folder = Path(self.logdir) / "state"
        self.cleanup()
        self._folder.mkdir(parents=True)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        start, stop = self._epoch, next(level for level in self._own["levels"] if level > self._epoch)
        metrics = checked(type(self).function(dict(self._config), self._folder, start, stop, self._own["seed"]))
        self._epoch = stop
        return {**metrics, "training_iteration": stop}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        shutil.copytree(self._folder, checkpoint_dir, dirs_exist_ok=True)

    def load_checkpoint(self, checkpoint_dir: Any) -> None:
        self.cleanup()
        shutil.copytree(checkpoint_dir, self._folder)
        self._epoch = self.iteration  # Tune reads it from what was reported with this checkpoint

    def cleanup(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
