"""What every search space offers: architectures as integer codes, and the questions a search asks of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ranknosh.errors import SpaceError, did_you_mean
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Graphs, Rows, onehot
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.spaces.relaxed import Relaxed


@dataclass(frozen=True, slots=True)
class Architecture:
    """One point of a space: ``code[i]`` is the option taken at slot ``i`` (``0 <= code[i] < space.counts[i]``)."""

    space: str
    code: tuple[int, ...]


class Space:
    """A set of architectures. Everything here is symbolic (numpy); only :meth:`network` imports torch.

    A space says its ``choices``; all else follows from them and is overridden where a space knows better. One that is a frozen
    dataclass has its fields as :attr:`settings`, and equals any other of equal settings. Questions about an architecture of
    another space, or a code out of range, raise SpaceError.

    Edits choose among *options*: a number below ``edits[i]`` for each independent choice i; they are the code itself unless a
    space says otherwise.
    """

    name: str
    choices: tuple[Choice, ...]
    published: ClassVar[Mapping[str, Any]] = {}
    """Settings of the networks that papers search with: their supernets, and those that are scored without training."""
    recipes: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {}
    """How the field trains what is found: name of a recipe to sections of settings, ``space`` (channels, cells ...) and
    ``train``."""
    first_steps: ClassVar[int] = 32
    """Steps before which its networks are near chance, so that nothing can be ranked."""
    gentle: ClassVar[bool] = False
    """Whether its networks are trained at a small learning rate and with clipped gradients."""
    most_enumerable = 500_000
    """Codes up to which scoring every architecture at each refit is affordable."""

    @property
    def title(self) -> str:
        """What people call the space; ``name`` may end with a digest that tells apart spaces of one title."""
        return self.name

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Number of options of every slot of a code."""
        return tuple(len(choice.options) for choice in self.choices)

    @property
    def edits(self) -> tuple[int, ...]:
        """Number of options of every independent choice."""
        return self.counts

    @property
    def ordered(self) -> tuple[bool, ...]:
        """Whether the options of every independent choice are in order, so that their distance means something."""
        return tuple(choice.ordered for choice in self.choices)

    def reached(self, options: Sequence[int]) -> tuple[bool, ...]:
        """Whether each choice changes anything, where these options are taken before it."""
        return (True,) * len(self.edits)

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """What :meth:`operation_counts` counts: every option that is a text, once."""
        return tuple(dict.fromkeys(o for choice in self.choices for o in choice.options if isinstance(o, str)))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The arguments that make this space again, as plain JSON data."""
        return (
            {field.name: getattr(self, field.name) for field in fields(self) if field.init}
            if is_dataclass(self)
            else {}
        )

    @property
    def spec(self) -> dict[str, Any]:
        """Name and settings, as JSON gives them back."""
        spec: dict[str, Any] = json.loads(json.dumps({"name": self.name, **self.settings}))
        return spec

    def scaled(self, **settings: Any) -> Self:
        """The same choices at another size: ``settings`` in place of those of the same names."""
        return type(self)(**{**self.settings, **settings})

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text has the form of this space's exchange strings, whatever it says."""
        return text.lstrip().startswith("{")

    def holding(self, text: str) -> Space:
        """This space, or the like of it with other settings, that has the architecture of an exchange string.

        Raises SpaceError where there is none.
        """
        self.parse(text)
        return self

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of an architecture, stem and head included, weights drawn from torch's current generator.

        Args:
            architecture: of this space; every slot of its code that it reaches matters to the network.
            signature: shapes of inputs and outputs.

        Raises:
            SpaceError: the architecture is not of this space, or no network of it has such a signature.
        """
        raise SpaceError(
            f"{self.title} is a space of configurations, which says nothing of networks; give a function or a command that "
            "trains one"
        )

    def relaxed(self, signature: Signature) -> Relaxed | None:
        """What supernets of this space are built of, see :mod:`ranknosh.spaces.relaxed`; None where there are none.

        Raises SpaceError where no network of this space has such a signature.
        """
        return None

    @property
    def size(self) -> int:
        """Number of architectures that :meth:`sample` may give, isomorphic ones counted apart."""
        return math.prod(self.edits)

    @property
    def enumerable(self) -> bool:
        """True where scoring every architecture at each refit is affordable."""
        return math.prod(self.edits) <= self.most_enumerable

    def is_valid(self, options: tuple[int, ...]) -> bool:
        """False where options that are all in range are no architecture together."""
        return True

    def chosen(self, architecture: Architecture) -> tuple[int, ...]:
        """The option taken at every choice."""
        code = architecture.code
        if architecture.space != self.name:
            raise SpaceError(f"asked {self.name} about an architecture of space {architecture.space!r}: use that space")
        if len(code) != len(self.counts) or not all(
            0 <= value < size for value, size in zip(code, self.counts, strict=True)
        ):
            raise SpaceError(
                f"code {code} is not of {self.name}: it takes one option of every slot, counted from 0, and the slots have "
                f"{self.counts} options"
            )
        if not self.is_valid(code):
            raise SpaceError(f"code {code} is not of {self.name}: these options are no architecture together")
        return code

    def codes(self, architectures: Sequence[Architecture]) -> Codes:
        """(n, slots): the codes of these architectures."""
        slots = len(self.counts)
        codes = [a.code for a in architectures if a.space == self.name and len(a.code) == slots]
        found = np.array(codes, dtype=np.int64).reshape(-1, slots)
        if len(found) < len(architectures) or not ((found >= 0) & (found < self.counts)).all():
            for architecture in architectures:
                self.chosen(architecture)  # says which one is wrong, and why
        return found

    def of(self, options: Iterable[int]) -> Architecture:
        """The architecture of these options, which must be in range."""
        return Architecture(self.name, tuple(options))

    def moves(self, number: int, option: int) -> Sequence[int]:
        """The options one edit away from ``option`` at choice ``number``."""
        return [other for other in range(self.edits[number]) if other != option]

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture drawn uniformly."""
        while True:
            options = tuple(int(value) for value in rng.integers(0, np.array(self.edits)))
            if self.is_valid(options):
                return self.of(options)

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture in code order. Raises SpaceError where the space is not enumerable."""
        if not self.enumerable:
            raise SpaceError(
                f"{self.title} has {self.size:,} architectures, too many to list (limit {self.most_enumerable:,}); sample it "
                "instead"
            )
        return map(self.of, filter(self.is_valid, product(*map(range, self.edits))))

    def shuffled(self, rng: np.random.Generator) -> Iterator[Architecture]:
        """Architectures drawn uniformly: every one once where the space is enumerable, else without end and perhaps again."""
        if self.enumerable:
            for number in rng.permutation(math.prod(self.edits)):
                options = tuple(int(option) for option in np.unravel_index(number, self.edits))
                if self.is_valid(options):
                    yield self.of(options)
        while not self.enumerable:
            yield self.sample(rng)

    def _edited(self, options: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """The options one edit away, by choice and then by option."""
        for number, option in enumerate(options):
            for other in self.moves(number, option):
                edited = (*options[:number], other, *options[number + 1 :])
                if self.is_valid(edited):
                    yield edited

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """Every architecture one edit away, the given one excluded, by choice and then by option."""
        return tuple(self.of(options) for options in self._edited(self.chosen(architecture)))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, each with the same probability. A space of a single architecture gives it back."""
        edited = tuple(self._edited(self.chosen(architecture)))
        return self.of(edited[int(rng.integers(len(edited)))]) if edited else architecture

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that takes every choice from either parent with equal chance; the first parent where that is none.

        Args:
            first: a parent.
            second: the other.
            rng: of the choices.
        """
        pairs = zip(self.chosen(first), self.chosen(second), rng.random(len(self.edits)) < 0.5, strict=True)
        options = tuple(a if take else b for a, b, take in pairs)
        return self.of(options) if self.is_valid(options) else first

    def decode(self, architecture: Architecture) -> dict[str, Any]:
        """The option taken at every choice, by the choice's name."""
        self.chosen(architecture)
        taken = zip(self.choices, architecture.code, strict=True)
        return {choice.name: choice.options[place] for choice, place in taken}

    def locate(self, config: Mapping[str, Any]) -> Architecture:
        """The architecture of one option for every choice, by name; ``locate(decode(a)) == a``.

        Raises SpaceError for a name or an option that the space does not have, and for a choice left out.
        """
        named = {choice.name: choice for choice in self.choices}
        for name in config:
            if name not in named:
                raise SpaceError(f"{self.title} has no choice {name!r}{did_you_mean(str(name), named)}")
        missing = [name for name in named if name not in config]
        if missing:
            raise SpaceError(f"the configuration lacks {', '.join(missing)} of {self.title}")
        architecture = self.of(choice.find(config[name]) for name, choice in named.items())
        self.chosen(architecture)
        return architecture

    def canonical(self, architecture: Architecture) -> str:
        """An id equal for architectures that compute the same function (deduplication key)."""
        return f"{self.name}:{'-'.join(map(str, self.chosen(architecture)))}"

    def different(self) -> int | None:
        """How many canonical ids there are; None where counting them would take too long."""
        return len({self.canonical(architecture) for architecture in self.enumerate()}) if self.enumerable else None

    def is_dead(self, architecture: Architecture) -> bool:
        """True where no live path leads from the input to the output: it cannot learn."""
        return False

    @property
    def example(self) -> str:
        """An exchange string, for messages."""
        return self.format(self.sample(np.random.default_rng(0)))

    def parse(self, text: str) -> Architecture:
        """The architecture of an exchange string. Raises SpaceError on anything else, naming what is wrong."""
        try:
            return self._read(text.strip())
        except ValueError as error:
            raise self.unreadable(text, error) from error

    def unreadable(self, text: str, reason: object) -> SpaceError:
        """What is raised for a text of another form than that of this space's exchange strings."""
        shown, why = text if len(text) <= 100 else f"{text[:100]}...", str(reason)
        why = why if len(why) <= 600 else f"{why[:300]}...{why[-300:]}"
        return SpaceError(
            f"cannot read {shown!r} as an architecture of {self.title}: {why} (an example: {self.example})"
        )

    def _read(self, text: str) -> Architecture:
        """What :meth:`parse` gives; by default the text is a JSON object of :meth:`decode`. Raises ValueError with the reason
        for another form, SpaceError for what the space does not hold."""
        config = read_json(text)
        if not isinstance(config, dict):
            raise ValueError("it is no JSON object")
        return self.locate(config)

    def format(self, architecture: Architecture) -> str:
        """The exchange string, by default a JSON object of :meth:`decode`; ``parse(format(a)) == a``."""
        return json.dumps(self.decode(architecture), ensure_ascii=False)

    def describe(self, architecture: Architecture) -> str:
        """The architecture in one line for a person, by default its exchange string."""
        return self.format(architecture)

    def features(self, codes: Codes) -> Rows:
        """(n, d) feature rows of codes (n, slots): an indicator per option, then for each ordered choice of several options
        its place from 0 (lowest) to 1 (highest)."""
        ordered = [slot for slot, choice in enumerate(self.choices) if choice.ordered and len(choice.options) > 1]
        places = codes[:, ordered] / (np.array(self.counts)[ordered] - 1)
        return np.concatenate([onehot(codes, self.counts), places.astype(np.float32)], axis=1)

    def graphs(self, codes: Codes) -> Graphs:
        """Line graphs of codes (n, slots), for graph predictors. Raises SpaceError where architectures are no graphs."""
        raise SpaceError(
            f"architectures of {self.title} are no graphs; use a predictor that reads features, such as kernel, linear or gbdt"
        )

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How often each operation occurs; keys are ``operations``, all present."""
        taken = list(self.decode(architecture).values())
        return {operation: taken.count(operation) for operation in self.operations}


def read_json(text: str) -> Any:
    """What a text of JSON says. Raises ValueError for any other."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is no JSON that can be read (nested too deeply)") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error})") from error
