"""The settings of a table of scores: what is scored, by which proxies, on which data."""

from typing import Any, ClassVar, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from ranknosh.config.execution import ExecutorConfig
from ranknosh.config.fields import (
    NEEDS_OPTIONS,
    PROXIES,
    Count,
    Device,
    Proxies,
    RuleBroken,
    Switch,
    Texts,
    setting,
    words,
)
from ranknosh.config.learning import DataConfig, PublishedSpaceConfig, TaskConfig
from ranknosh.config.settings import Change, Changes, Settings
from ranknosh.errors import did_you_mean

ALL = "all"
"""Among the proxies: every one that needs no option, or whose options are given."""


class ScoreSettings(Settings):
    """Everything that train-free scores depend on.

    Scored are the ``architectures`` named, in their order, and those drawn from the space.
    """

    CHANGES: ClassVar[Changes] = {
        "add": ("architectures", "proxies"),
        "raise": ("count", "all"),
        "free": ("executor.*", "table", "csv", "audit"),
    }

    space: PublishedSpaceConfig = setting(PublishedSpaceConfig(), "what is scored, and the size of its networks")
    architectures: Texts = setting((), "texts of architectures to score")
    count: int = setting(200, "how many to draw of the space", ge=0)
    all: Switch = setting(False, "every architecture of the space once instead of count")
    draw: Literal["functions", "codes"] = setting(
        "functions", "functions: different networks that can learn; codes: any architecture, as tables list them"
    )
    options: dict[str, dict[str, Any]] = setting({}, "options of proxies, such as swap_reg.mu=900")
    proxies: Proxies = setting(
        tuple(name for name in PROXIES.builtins if name not in NEEDS_OPTIONS),
        "names of proxies with commas between, or 'all' that need no option or have theirs",
    )
    batch: Count = setting(64, "training examples of a score")
    data: DataConfig = setting(DataConfig(name="digits"), "examples that networks are scored on")
    task: TaskConfig = setting(TaskConfig(), "what is learned of them")
    device: Device = setting("cpu", "where networks run: cpu, cuda, or auto for cuda where there is one")
    executor: ExecutorConfig = setting(ExecutorConfig(), "where jobs run")
    table: str | None = setting(None, "an npz file of finished trainings to compare with", examples=["nasbench201.npz"])
    csv: str | None = setting(None, "a file for the table of scores too", pattern=r"\.csv$", examples=["scores.csv"])
    audit: str | None = setting(
        None, "a search by whose results proxies are judged: its own, or with --proxies any others"
    )

    @field_validator("proxies", mode="before")
    @classmethod
    def _all_by_name(cls, value: Any, before: ValidationInfo) -> Any:
        """Proxies by name in place of ``all``, so that a run asks for the same ones in every version."""
        names = list(words(value))
        if ALL not in names:
            return names
        every = [
            name for name in PROXIES.builtins if name not in NEEDS_OPTIONS or name in before.data.get("options", {})
        ]
        return list(dict.fromkeys(each for name in names for each in (every if name == ALL else [name])))

    @model_validator(mode="after")
    def _something_to_do(self) -> "ScoreSettings":
        if not self.proxies:
            raise RuleBroken("proxies", f"proxies is empty; give {ALL}, or some of {', '.join(PROXIES.names)}")
        if not self.architectures and not self.count and not self.all:
            raise RuleBroken(
                "count", "nothing is to be scored; list architectures, or give a count to draw from the space"
            )
        for name in self.options:
            if name not in self.proxies:
                known = name in PROXIES.names or ":" in name
                remedy = "; add it to proxies" if known else did_you_mean(name, PROXIES.names)
                raise RuleBroken(
                    f"options.{name}",
                    f"options are given for {name}, which is not among the proxies asked for{remedy}",
                )
        return self

    def change_of(self, name: str) -> Change:
        """As for all settings; options come with their proxy, and stay once it is asked for."""
        section, _, proxy = name.partition(".")
        if section == "options" and proxy not in self.proxies:
            return "free"
        return super().change_of(name)
