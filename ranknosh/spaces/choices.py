"""What is chosen at one slot of a code."""

import json
from dataclasses import dataclass
from typing import Any

from ranknosh.errors import SpaceError


@dataclass(frozen=True, slots=True)
class Choice:
    """One slot of a code.

    Args:
        name: of the slot, its own in the space, such as ``stage2.kernel``.
        options: what may be taken, as JSON values that a user reads, all different.
        ordered: the options are numbers, rising, whose distance means something.

    Raises:
        SpaceError: no option, an option that stands twice, or an order of what is not rising numbers.
    """

    name: str
    options: tuple[Any, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError(f"the choice {self.name!r} has no option; give it one or more")
        texts = [json.dumps(option) for option in self.options]
        for text in texts:
            if texts.count(text) > 1:
                raise SpaceError(f"the choice {self.name!r} holds the option {text} twice; name every option once")
        if self.ordered and not all(
            first < second for first, second in zip(self.options, self.options[1:], strict=False)
        ):
            raise SpaceError(f"the options {self.options} of {self.name!r} do not rise; list them from low to high")

    def find(self, option: Any) -> int:
        """The place of an option. Raises SpaceError that lists the options for anything else."""
        for place, known in enumerate(self.options):
            if known == option and isinstance(known, bool) == isinstance(option, bool):
                return place
        known = ", ".join(map(json.dumps, self.options))
        raise SpaceError(f"{self.name} is {option!r}; it takes one of {known}")
