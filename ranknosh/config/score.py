"""The settings of a table of scores: what is scored, by which proxies, on which images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from ranknosh.config.fields import NEEDS_OPTIONS, PROXIES, Device, RuleBroken, Switch, did_you_mean, names_of
from ranknosh.config.sections import DataConfig, ExecutorConfig, NetworkConfig, SpaceConfig
from ranknosh.config.settings import Change, Settings

ALL = "all"
"""Among the proxies: every one that needs no option, or whose options are given."""
COUNT = 200


def _texts(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a list of architectures as exchange strings")
    return tuple(texts)


class ScoreSettings(Settings):
    """Everything that train-free scores depend on.

    Scored are the ``architectures`` named, in their order, and those drawn from the space.
    """

    CHANGES: ClassVar[Mapping[str, Change]] = {
        "architectures": "add",
        "count": "raise",
        "all": "raise",
        "proxies": "add",
        "executor.*": "free",
        "table": "free",
        "csv": "free",
        "audit": "free",
    }

    space: SpaceConfig = SpaceConfig()
    architectures: Annotated[
        tuple[str, ...], BeforeValidator(_texts), Field(description="architectures to score, as exchange strings")
    ] = ()
    count: Annotated[int, Field(ge=0, description="how many to draw of the space")] = COUNT
    all: Annotated[Switch, Field(description="every architecture of the space once instead of count")] = False
    draw: Annotated[
        Literal["functions", "codes"],
        Field(description="distinct functions that can learn, or codes uniformly as tables list them"),
    ] = "functions"
    proxies: Annotated[tuple[str, ...], names_of("proxy", PROXIES)] = tuple(
        name for name in PROXIES if name not in NEEDS_OPTIONS
    )
    options: Annotated[dict[str, dict[str, Any]], Field(description="of single proxies, by the proxy's name")] = Field(
        default_factory=dict
    )
    batch: Annotated[int, Field(ge=1, description="training images of a score")] = 64
    network: NetworkConfig = NetworkConfig(channels=16, cells=5)
    data: DataConfig = DataConfig(name="digits")
    device: Annotated[
        Device, Field(description="where networks run: cpu, cuda, or auto for cuda where there is one")
    ] = "cpu"
    executor: ExecutorConfig = ExecutorConfig()
    table: Annotated[
        str | None, Field(description="an npz file of accuracies to compare with", examples=["nasbench201.npz"])
    ] = None
    csv: Annotated[
        str | None,
        Field(pattern=r"\.csv$", description="a file to write the table of scores to as well", examples=["scores.csv"]),
    ] = None
    audit: Annotated[
        str | None,
        Field(description="a search by whose results its candidates' scores are judged", examples=["runs/demo-001"]),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _name_all_proxies(cls, data: Any) -> Any:
        """Proxies by name in place of ``all``, so that a run asks for the same ones in every version."""
        names = data.get("proxies") if isinstance(data, Mapping) else None
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, (list, tuple)) or ALL not in names:
            return data
        given = data.get("options") or {}
        every = [name for name in PROXIES if name not in NEEDS_OPTIONS or name in given]
        spelled = [each for name in names for each in (every if name == ALL else [name])]
        return {**data, "proxies": list(dict.fromkeys(spelled))}

    @model_validator(mode="after")
    def _something_to_do(self) -> ScoreSettings:
        if not self.proxies:
            raise RuleBroken(("proxies",), f"proxies is empty; give {ALL}, or some of {', '.join(PROXIES)}")
        if not self.architectures and not self.count and not self.all:
            raise RuleBroken(
                ("count",), "nothing is to be scored; list architectures, or give a count to draw from the space"
            )
        for name in self.options:
            if name not in self.proxies:
                raise RuleBroken(
                    ("options", name),
                    f"options are given for {name}, which is not among the proxies asked for{did_you_mean(name, PROXIES)}"
                    if name not in PROXIES
                    else f"options are given for {name}, which is not among the proxies asked for; add it to proxies",
                )
        return self

    def change_of(self, name: str) -> Change:
        """As for all settings; options come with their proxy, and stay once it is asked for."""
        section, _, proxy = name.partition(".")
        if section == "options" and proxy not in self.proxies:
            return "free"
        return super().change_of(name)
