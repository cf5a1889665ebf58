"""What a training takes of the process that it runs in: device, threads, random generators, memory."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ranknosh.errors import ConfigError, first_line

_NO_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "could not create a memory",
    "alloc_failed",
    "std::bad_alloc",
)


def resolve_device(name: str) -> torch.device:
    """``auto`` is the current CUDA device where there is one, else the CPU. Raises ConfigError for a device not at hand."""
    if name == "auto":
        return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = first_line(error)
        raise ConfigError(f"train.device {name!r} cannot be used here ({reason}); use auto or cpu") from error
    return torch.empty(0, device=device).device


@contextmanager
def surroundings(threads: int, device: torch.device) -> Iterator[None]:
    """Run with this many CPU threads; afterwards the thread count, random generators and cuDNN flags are as before.

    On CUDA cuDNN chooses its algorithms by timing them: shapes repeat thousands of times, and bitwise equality is
    promised on the CPU only.
    """
    found_threads = torch.get_num_threads()
    found_benchmark = torch.backends.cudnn.benchmark
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device.index or 0] if cuda else []):
        try:
            torch.set_num_threads(threads)
            if cuda:
                torch.backends.cudnn.benchmark = True
            yield
        finally:
            torch.set_num_threads(found_threads)
            torch.backends.cudnn.benchmark = found_benchmark


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed the generators that networks draw from; to be called inside :func:`surroundings` only."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)


def is_out_of_memory(error: BaseException) -> bool:
    """True for MemoryError, torch's own out-of-memory errors, and the RuntimeErrors that allocators raise in their place."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _NO_MEMORY)


def give_back_memory(device: torch.device) -> None:
    """Free what nothing refers to any more, and give the device's cached blocks back for requests of another size."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
