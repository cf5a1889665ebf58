"""From the words of a config to a data set."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from ranknosh.data.base import ImageData
from ranknosh.data.digits import cluttered_digits, digits
from ranknosh.data.folder import folder as load_folder
from ranknosh.data.npz import npz as load_npz
from ranknosh.data.partition import Division
from ranknosh.data.torchvision_sets import SETS, published
from ranknosh.errors import DataError

DEFAULT = "cluttered_digits"
EMBEDDED: dict[str, Callable[..., ImageData]] = {"digits": digits, "cluttered_digits": cluttered_digits}
NAMES = (*EMBEDDED, *SETS)


def load(
    name: str | None = DEFAULT,
    *,
    folder: str | None = None,
    npz: str | None = None,
    root: str | None = None,
    download: bool = False,
    resize: int | None = None,
    validation: float = 0.2,
    test: float = 0.2,
    train_limit: int | None = None,
    validation_limit: int | None = None,
    test_limit: int | None = None,
    seed: int = 0,
    **options: Any,
) -> ImageData:
    """A data set in memory, divided into train, validation and test.

    Args:
        name: one of :data:`NAMES`.
        folder: class folders, or an archive of them; instead of a name.
        npz: arrays; instead of a name.
        root: where torchvision's sets are.
        download: whether they may be fetched.
        resize: side of the square that images are brought to.
        validation: share cut off where the set has no such part of its own.
        test: the same.
        train_limit: most images of the part, classes kept in proportion.
        validation_limit: the same.
        test_limit: the same.
        seed: fixes every choice.
        options: what only one set knows (see :func:`ranknosh.data.digits.cluttered_digits`).

    Raises:
        DataError: for anything that cannot be read, divided or learned from.
    """
    division = Division(validation, test, (train_limit, validation_limit, test_limit), seed)
    if resize is not None and (isinstance(resize, bool) or not isinstance(resize, int) or resize < 1):
        raise DataError(f"data.resize is {resize!r}; it must be a whole number of pixels, 1 or more")
    given = [key for key, value in (("folder", folder), ("npz", npz)) if value is not None]
    if len(given) > 1 or (given and name not in (None, DEFAULT)):
        raise DataError(
            f"data has {' and '.join([*(['name'] if name not in (None, DEFAULT) else []), *given])}; give one of them"
        )
    if folder is not None:
        _refuse(options, "an image folder", ())
        return load_folder(folder, division, resize)
    if npz is not None:
        _refuse(options, "an npz file", ())
        return load_npz(npz, division, resize)
    if name is None:
        raise DataError(f"data names no set; give data.name ({', '.join(NAMES)}), data.folder or data.npz")
    if name in SETS:
        _refuse(options, name, ())
        return published(name, division, root=root, download=download, resize=resize)
    if name not in EMBEDDED:
        raise DataError(_unknown("data.name", name, NAMES) + "; for images of your own set data.folder or data.npz")
    make = EMBEDDED[name]
    _refuse(
        options, name, tuple(key for key in inspect.signature(make).parameters if key not in ("division", "resize"))
    )
    return make(division, resize=resize, **options)


def _refuse(options: dict[str, Any], what: str, known: tuple[str, ...]) -> None:
    for key in options:
        if key not in known:
            raise DataError(
                _unknown(f"an option of {what}", key, known) if known else f"{what} has no option {key!r}; leave it out"
            )


def _unknown(key: str, value: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(value, known, n=2)
    hint = f"did you mean {' or '.join(near)}? known" if near else "known"
    return f"{key} is {value!r}, which is not known; {hint} are {', '.join(known)}"
