"""Arrays of any type, shape and order, in whole and damaged files and in objects: what loads means what numpy reads, and all else
is refused in our words."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.errors import DataError
from ranknosh.tasks.data import Data, from_datasets
from ranknosh.tasks.data import own as own_module
from tests.fuzzing import cases, damaged, no_hang
from tests.image_sets import load

pytestmark = pytest.mark.filterwarnings("error")
COUNT = 12
PLAIN = ("u1", "i1", "<i2", ">i2", "u2", ">u4", "i8", ">i8", "u8", "f2", "f4", ">f4", "f8", ">f8")
TYPES = (*PLAIN, *PLAIN, *PLAIN, *("g", "c8", "?", "O", "U3", ">U3", "S3", "M8[s]", "m8[s]", "V2", "u1,f4"))
SHAPES = (
    *((6, 5), (5, 6, 3), (3, 5, 6), (3,), (2, 2, 2), (6, 5), (5, 6, 3), (3, 5, 6), (3,), (17, 3)),
    *((), (0,), (1,), (1, 1), (1, 1, 1), (0, 4), (4, 4, 20), (2, 2, 2, 2)),
)
OF_TARGETS = ((), (), (), (), (), (1,), (2,), (3,), (6, 5), (0,))
COUNTS = (*[COUNT] * 12, COUNT - 1, 1, 0)
VALUES = (np.nan, np.inf, -np.inf, -1, 0.5, 2**31, 2**62, 255, 256, 1e300, 1e-320)


@st.composite
def arrays(draw: st.DrawFn, shapes: tuple[tuple[int, ...], ...], of: tuple[int, ...] = (2, 4, 255)) -> Any:
    """An array (n, ...), mostly of 12 examples and of so many values or fewer."""
    kind, shape = (
        np.dtype(draw(st.sampled_from(TYPES))),
        (draw(st.sampled_from(COUNTS)), *draw(st.sampled_from(shapes))),
    )
    most = draw(st.sampled_from(of))
    drawn = np.random.default_rng(draw(st.integers(0, 9))).integers(0, most, shape)
    if len(shape) == 1:
        drawn[:most] = np.arange(most)[: len(drawn)]  # so that every class is there
    with np.errstate(all="ignore"):
        if kind.kind == "f":
            drawn = draw(st.sampled_from((drawn / max(most - 1, 1), drawn / max(most - 1, 1), drawn, drawn - 0.25)))
        found = np.zeros(shape, kind) if kind.kind in "VMm" else drawn.astype(kind)
        if found.size and kind.kind in "iuf" and draw(st.integers(0, 3)) == 0:
            value = np.array(draw(st.sampled_from(VALUES))).astype(kind)
            found.reshape(-1)[draw(st.integers(0, found.size - 1))] = value
    return np.asfortranarray(found) if draw(st.booleans()) else found


INPUTS, TARGETS = arrays(SHAPES), arrays(OF_TARGETS, (2, 2, 3))
KINDS = st.sampled_from(("auto", "auto", "pictures", "numbers", "tokens"))


def loaded(**section: Any) -> tuple[Data | None, str]:
    """The data, or what was said of them."""
    try:
        with no_hang():
            return load(**section), ""
    except DataError as error:
        return None, str(error)


def check_meaning(data: Data, x: Any, y: Any) -> None:
    """What was read of parts that all are (x, y) has the values of both."""
    assert data.fingerprint
    for part in (data.train, data.validation, data.test):
        assert len(part) == len(x) == len(y)
        if part.inputs.dtype == torch.uint8:
            wanted = np.rint(x.astype(np.float64 if x.itemsize > 4 else x.dtype) * 255) if x.dtype.kind == "f" else x
            assert (wanted >= 0).all()
            assert (wanted <= 255).all()
            wanted = wanted.astype(np.uint8)
            ways = (wanted[:, None],) if x.ndim == 3 else (wanted, wanted.transpose(0, 3, 1, 2))
            assert any(np.array_equal(part.inputs.numpy(), way) for way in ways)
        else:
            wanted = x.astype(np.float32 if part.inputs.dtype == torch.float32 else np.int64)
            assert np.array_equal(part.inputs.numpy(), wanted)
        if y.dtype.kind in "U":
            found = np.array([data.classes[label] for label in part.targets.tolist()])
            assert np.array_equal(found, y.reshape(-1))
        else:
            targets = part.targets.numpy()
            assert np.array_equal(targets.reshape(y.shape), y.astype(targets.dtype))


@cases(50)
@given(INPUTS, TARGETS, KINDS)
def test_arrays_of_any_kind_mean_the_same_at_every_door(x: Any, y: Any, inputs: Any) -> None:
    read: list[Data | None] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.npz"
        names = {f"{what}_{part}": each for part in ("train", "val", "test") for what, each in (("x", x), ("y", y))}
        np.savez(path, **names)
        own = dict.fromkeys(("train", "validation", "test"), (x, y))
        for section in ({"npz": str(path)}, {"name": "own:data"}):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(own_module.DATA, "load", lambda name: lambda: own)
                read.append(loaded(**section, inputs=inputs)[0])
    for data in read:
        if data is not None:
            check_meaning(data, x, y)
    if x.dtype.kind not in "OV" and y.dtype.kind not in "OV":
        assert (read[0] is None) == (read[1] is None)


@cases(50)
@given(INPUTS, TARGETS, KINDS, st.booleans(), st.booleans())
def test_items_of_a_dataset_of_any_kind(x: Any, y: Any, inputs: Any, lazy: bool, tensors: bool) -> None:
    def item(one: Any) -> Any:
        try:
            return torch.from_numpy(np.array(one)) if tensors else one
        except (TypeError, ValueError):
            return one

    items = [(item(one), item(other)) for one, other in zip(x, y, strict=False)]
    try:
        data = from_datasets(items, items, items, inputs=inputs, in_memory=not lazy)  # type: ignore[arg-type]
        found = next(iter(data.train.read(len(items))))
    except DataError:
        return
    assert len(found[0]) == len(items)
    if found[0].dtype != torch.uint8:
        assert np.array_equal(found[0].numpy(), x[: len(items)].astype(found[0].numpy().dtype))


@cases(50)
@given(st.data(), st.booleans())
def test_a_damaged_file_of_arrays_is_read_rightly_or_refused(data: st.DataObject, packed: bool) -> None:
    x = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 5), dtype=np.uint8)
    y = np.arange(COUNT) % 2
    stream = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(stream, images=x, labels=y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / data.draw(st.sampled_from(("set.npz", "set.zip", "set.npy", "set")))
        path.write_bytes(data.draw(damaged(stream.getvalue())))
        found, said = loaded(npz=str(path))
    assert "pickle" not in said  # what numpy advises about files that it does not know
    if found is None:
        return
    known = {one.tobytes() for one in x}
    for part in (found.train, found.validation, found.test):
        assert all(one.numpy().tobytes() in known for one in part.inputs)


@cases(50)
@given(
    st.sampled_from(("|u1", "<f8", "|O", "|V99999999999", "<U99999999", "|S0", "x", "<i4,<i4", "")),
    st.sampled_from(
        ("()", "(12,)", "(12, 6, 5)", "(-1,)", "(2**70,)", "(9223372036854775807,)", "(10**11,)", "(1.5,)", "x")
    ),
    st.sampled_from(("True", "False", "2", "")),
    st.binary(max_size=400),
)
def test_a_head_that_says_anything_is_no_reason_to_break(descr: str, shape: str, order: str, content: bytes) -> None:
    head = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    array = b"\x93NUMPY\x01\x00" + (len(head) + 1).to_bytes(2, "little") + head + b"\n" + content
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.npz"
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("images.npy", array)
            packed.writestr("labels.npy", array)
        with no_hang(), pytest.raises(DataError):
            load(npz=str(path))
