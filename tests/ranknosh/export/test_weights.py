import pytest
import torch

from ranknosh.errors import ConfigError
from ranknosh.export.parts.loading import read_tensors
from ranknosh.export.weights import encode_tensors

TENSORS = {
    "a": torch.randn(3, 2),
    "steps": torch.tensor(7),
    "pixels": torch.arange(5, dtype=torch.uint8),
    "flags": torch.tensor([True, False]),
    "wide": torch.randn(2, dtype=torch.float64),
    "none": torch.zeros(0, 3),
    "turned": torch.randn(2, 3).T,
}


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "file").write_bytes(encode_tensors(TENSORS))
    found = read_tensors(tmp_path / "file")
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(found[name], tensor), name
        assert found[name].dtype == tensor.dtype


def test_the_package_safetensors_reads_it_and_writes_what_is_read_here(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    (tmp_path / "ours").write_bytes(encode_tensors(TENSORS))
    found = safetensors.load_file(tmp_path / "ours")
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())
    safetensors.save_file({name: tensor.contiguous() for name, tensor in TENSORS.items()}, tmp_path / "theirs")
    theirs = read_tensors(tmp_path / "theirs")
    assert all(torch.equal(theirs[name], tensor) for name, tensor in TENSORS.items())


def test_another_digest_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(encode_tensors(TENSORS))
    with pytest.raises(ValueError, match="was changed or is another model's"):
        read_tensors(tmp_path / "file", "0" * 64)


def test_a_type_that_is_not_read_is_not_written():
    with pytest.raises(ConfigError, match=r"the tensor half is torch\.float16"):
        encode_tensors({"half": torch.zeros(1, dtype=torch.float16)})
