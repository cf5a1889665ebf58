"""What runs that hold trained networks have in common: their networks can be taken home, and answer inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.export.api import Exported
    from ranknosh.export.finished import Finished
    from ranknosh.export.predicting import Predictions
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


class TakenHome:
    """A run whose networks can be exported."""

    folder: Path

    def finished(
        self, candidate: int | str | None = None, where: Sequence[str] = (), data: Data | Task | None = None
    ) -> Finished:
        """The trained network that is meant; see :meth:`export` for the arguments."""
        raise NotImplementedError

    def refuse_where(self, where: Sequence[str]) -> None:
        """Raises ConfigError where conditions are given, which choose among the candidates of a search."""
        if where:
            raise ConfigError(
                f"--where chooses among the candidates of a search, which {self.folder} is not; leave it out"
            )

    def export(
        self,
        to: Sequence[str] = ("py", "genotype", "card"),
        out: Path | str | None = None,
        *,
        candidate: int | str | None = None,
        where: Sequence[str] = (),
        data: Data | Task | None = None,
    ) -> Exported:
        """Write a trained network as files that need no ranknosh, and prove in a process of its own that they are it.

        Args:
            to: formats, of ``py``, ``safetensors``, ``torch_export``, ``onnx``, ``genotype`` and ``card``.
            out: a folder that is empty or not there; ``export`` in the run's folder by default.
            candidate: of a search its number, of a comparison the name of a method; the best by default.
            where: of a search, conditions such as ``params <= 500K``; the best candidate that meets them all is taken.
            data: of the run, where they were given from Python.

        Raises:
            ConfigError: for an unknown format, a folder that is not empty, or a run without such a network.
            ExportDiffers: what was written does not give what the run's network gives; nothing is left then.
            DataError: the data are not there, or not those of the run.
            StoreError: the checkpoint is missing or damaged.
        """
        from ranknosh.export.api import export

        return export(self.finished(candidate, where, data), to, self.folder / "export" if out is None else Path(out))

    def predict(
        self,
        inputs: Any,
        *,
        top: int | None = None,
        candidate: int | str | None = None,
        where: Sequence[str] = (),
        data: Data | Task | None = None,
    ) -> Predictions:
        """What a trained network says of inputs.

        Args:
            inputs: paths of image files, folders of them, ``.npz`` or ``.csv`` files; or an array or tensor of inputs as the data
                hold them, (n, ...).
            top: classes that are named for each input.
            candidate: as in :meth:`export`.
            where: as in :meth:`export`.
            data: of the run, where they were given from Python.

        Raises:
            DataError: for inputs that are not as the network takes them.
            RankNoshError: as :meth:`export`.
        """
        from ranknosh.export.predicting import model_of, predict

        return predict(model_of(self.finished(candidate, where, data)), inputs, top)
