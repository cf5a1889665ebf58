"""The task's images on the training device, put there once per process and data set rather than once per job."""

from __future__ import annotations

from collections import OrderedDict

import torch

from ranknosh.data import ImageData

_KEPT = 2
_cache: OrderedDict[tuple[str, str], ImageData] = OrderedDict()


def resident(data: ImageData, device: torch.device) -> ImageData:
    """``data`` with training and validation images on ``device``; the test images stay where they are.

    Known by content, so that a task that comes to a worker process again and again by pickle is moved once.
    """
    if device.type == "cpu":
        return data
    key = (data.fingerprint, str(device))
    if key not in _cache:
        _cache[key] = ImageData(
            data.name, data.train.to(device), data.validation.to(device), data.test, data.classes, data.mean, data.std
        )
    _cache.move_to_end(key)
    while len(_cache) > _KEPT:
        _cache.popitem(last=False)
    return _cache[key]
