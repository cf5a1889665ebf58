"""The safetensors format, written without the package of that name: eight bytes of length, a JSON header, the tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

from ranknosh.errors import ConfigError

_TYPES = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8", torch.bool: "BOOL"}


def encode_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a safetensors file; wide types come first, so that every tensor lies at a multiple of its width.

    Raises ConfigError for a type that an exported model does not read.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    parts, end = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda pair: (-pair[1].element_size(), pair[0])):
        if tensor.dtype not in _TYPES:
            raise ConfigError(f"the tensor {name} is {tensor.dtype}; exported are {', '.join(_TYPES.values())}")
        part = tensor.detach().cpu().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(part)],
        }
        parts.append(part)
        end += len(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)
