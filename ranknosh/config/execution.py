"""The section of a configuration that says where jobs run, and what a job is."""

from typing import Any, Literal

from pydantic import model_validator

from ranknosh.config.directions import direction_of, unit_of
from ranknosh.config.fields import (
    EXECUTORS,
    Deadline,
    ExecutorName,
    LevelNumber,
    NotNegative,
    RuleBroken,
    Size,
    SwitchOrAuto,
    setting,
)
from ranknosh.config.sections import Section


class LevelResources(Section):
    """What a job of one level takes where that differs from the others."""

    cpus: float | None = setting(None, "CPU cores", gt=0)
    gpus: float | None = setting(None, "GPUs, or a share of one", ge=0)
    memory: Size = setting(None, "main memory")


class ExecutorConfig(Section):
    """Where jobs run. No setting here changes a decision of the reproducible schedule."""

    name: ExecutorName = setting(
        "inline",
        "inline in this process, ray on a cluster, or module:name of your own; where no network of ours is trained: command runs "
        "programs here, evaluate calls a function here, ask hands candidates to whoever asks for them",
    )
    options: dict[str, Any] = setting({}, "further arguments of an executor of your own")
    run: str | None = setting(
        None,
        "the command that trains a candidate to a level, with placeholders (docs/own-training.md); here or, with name: ray, on "
        "a cluster",
        examples=[
            "{python} train.py --config {config} --from {from_epoch} --to {to_epoch} --checkpoint {dir} --out {metrics}"
        ],
    )
    function: str | None = setting(
        None,
        "module:name of a function that trains a candidate to a level: evaluate(architecture, from_epoch, to_epoch, "
        "checkpoint_dir); here or, with name: ray, on a cluster",
        examples=["my_file:evaluate"],
    )
    rank_by: str | None = setting(
        None, "the metric that a training of a user's own is ranked by", min_length=1, examples=["accuracy"]
    )
    direction: Literal["max", "min"] | None = setting(
        None,
        "whether more or less of rank_by is better; known names such as accuracy and loss need none",
        examples=["max"],
    )
    unit: Literal["%", ""] | None = setting(
        None,
        "% where rank_by is a fraction that is read in percent; by default what its name tells, as accuracy and f1 do",
        examples=["%"],
    )
    address: str = setting(
        "local",
        "local for an own cluster on this machine, auto for the one that runs here, else host:port",
        min_length=1,
        examples=["local", "auto", "10.0.0.1:6379"],
    )
    cpus_per_trial: float = setting(1.0, "CPU cores of a job", gt=0)
    gpus_per_trial: float | None = setting(
        None, "GPUs of a job; None is one where device and cluster allow it", ge=0, examples=[0.25]
    )
    memory_per_trial: Size = setting(None, "main memory of a job")
    per_level: dict[LevelNumber, LevelResources] = setting(
        {}, "what jobs of a level take instead", examples=[{4: {"gpus": 1}}]
    )
    workers: int | None = setting(
        None,
        "jobs at once, at most; for a function, processes of this machine that call it",
        ge=1,
        le=100_000,
        examples=[8],
    )
    deadline: Deadline = setting("auto", "when a running job is cancelled; auto is ten times what is expected")
    speculate: NotNegative = setting(3.0, "a second attempt starts after so many times what is expected, 0: never")
    storage: str | None = setting(
        None,
        "place of checkpoints: a shared folder or fsspec URL; None is the run folder",
        examples=["s3://bucket/runs"],
    )
    ship_code: SwitchOrAuto = setting("auto", "send this package to workers; auto: unless the cluster is local")

    @model_validator(mode="after")
    def _own_training_is_whole(self) -> "ExecutorConfig":
        given = [name for name in ("run", "function") if getattr(self, name) is not None]
        either = given[:1] if self.name == "ray" or not self.is_built_in else []
        needed = {"command": ["run"], "evaluate": ["function"]}.get(self.name, either)
        if given != needed:
            came = " and ".join(f"executor.{name}" for name in given) or "neither run nor function"
            raise RuleBroken(
                f"executor.{(given or needed)[0]}",
                f"executor.name is {self.name} and {came} is given; command needs run, evaluate needs function, ray may have one "
                "of them, inline and ask have none",
            )
        if self.options and self.is_built_in:
            raise RuleBroken(
                "executor.options",
                f"executor.options are of an executor of your own, and executor.name is {self.name}, which has its settings "
                "beside it in this section",
            )
        if not self.is_own:
            for name in ("rank_by", "direction", "unit"):
                if getattr(self, name) is not None:
                    raise RuleBroken(
                        f"executor.{name}",
                        f"executor.{name} belongs to a training of your own (executor.run, executor.function or executor.name: "
                        "ask); what networks of ours are ranked by is train.metric",
                    )
        elif self.rank_by is None:
            raise RuleBroken(
                "executor.rank_by",
                "executor.rank_by says by which of the metrics that your training reports candidates are ranked; write for "
                "example rank_by: accuracy",
            )
        elif (self.direction or direction_of(self.rank_by)) is None:
            raise RuleBroken(
                "executor.direction",
                f"whether more or less of {self.rank_by} is better is not known; write executor.direction: max or min",
            )
        return self

    @property
    def is_built_in(self) -> bool:
        """Whether the executor is one of ours."""
        return self.name in EXECUTORS.builtins

    @property
    def is_own(self) -> bool:
        """Whether candidates are trained by a user's own command, function or loop."""
        return self.run is not None or self.function is not None or self.name == "ask"

    @property
    def higher(self) -> bool:
        """Whether more of ``rank_by`` is better."""
        return (self.direction or direction_of(self.rank_by or "")) == "max"

    @property
    def shown_in(self) -> str:
        """The unit that ``rank_by`` is read in."""
        return unit_of(self.rank_by or "") if self.unit is None else self.unit
