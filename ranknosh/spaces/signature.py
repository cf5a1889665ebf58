"""What a task asks of networks: the shapes that go in and come out."""

from dataclasses import dataclass

from ranknosh.errors import SpaceError


@dataclass(frozen=True, slots=True)
class Signature:
    """What a task asks of a network. Shapes leave out the batch.

    Args:
        inputs: shape of one input, such as ``(3, 32, 32)``.
        outputs: shape of one output; ``(classes,)`` where classes are told apart.
        dtype: of the inputs: ``float32``, or ``int64`` for tokens.
        vocabulary: how many values a token takes, counted from 0; None for numbers.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dtype: str = "float32"
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        for name, shape in (("inputs", self.inputs), ("outputs", self.outputs)):
            if not all(isinstance(size, int) and size >= 1 for size in shape):
                raise SpaceError(f"{name} of a signature are {shape}; every size is a whole number, at least 1")
        if (self.dtype == "int64") != (self.vocabulary is not None):
            raise SpaceError(
                f"inputs of dtype {self.dtype} and a vocabulary of {self.vocabulary} do not fit: tokens are int64 and have a "
                "vocabulary, numbers are float32 and have none"
            )

    def images(self, space: str, least: int = 1) -> tuple[int, int, int]:
        """(C, H, W) of the inputs. Raises SpaceError, naming ``space``, where they are no images or a side is below ``least``."""
        if len(self.inputs) != 3 or self.dtype != "float32":
            raise SpaceError(
                f"{space} builds networks for inputs (C, H, W) of float32, and the task has {self.inputs} of {self.dtype}; "
                f"{self._other_space()}, or bring a module of your own"
            )
        channels, height, width = self.inputs
        if min(height, width) < least:
            raise SpaceError(
                f"{space} builds networks for images of at least {least}x{least} pixels, and the task has {height}x{width}; give "
                "larger images, or take the space mlp"
            )
        return channels, height, width

    def numbers(self, space: str) -> None:
        """Raises SpaceError, naming ``space``, where inputs are tokens."""
        if self.vocabulary is not None:
            raise SpaceError(f"{space} takes numbers, and the task has tokens; {self._other_space()}")

    def classes(self, space: str) -> int:
        """The size of a flat output. Raises SpaceError, naming ``space``, where outputs have several dimensions."""
        if len(self.outputs) != 1:
            raise SpaceError(
                f"{space} builds networks with one row of outputs, and the task asks for {self.outputs}; "
                f"{self._other_space()}, or bring a module of your own"
            )
        return self.outputs[0]

    def _other_space(self) -> str:
        """Which space of ours takes these inputs, for messages."""
        if self.vocabulary is None and len(self.inputs) not in (2, 3):
            return "take the space mlp"
        return "take the space transformer" + ("" if len(self.inputs) == 3 else " with space.patches=[]")
