"""Which NVIDIA GPU there is, how much of its memory is free, and whether CTranslate2 can use it."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DRIVER = "libcuda.so.1"
_CUBLAS = ("libcublasLt.so.12", "libcublas.so.12")  # in the order in which they need each other
_MB = 1 << 20

LoadLibrary = Callable[[str], Any]


class CudaUnusable(Exception):
    """There is no GPU that CTranslate2 could use; says in a clause what is missing."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. `compute_types` are those that CTranslate2 runs well on it."""

    name: str
    total_mb: int
    free_mb: int
    compute_types: frozenset[str]


def find_gpu(load_library: LoadLibrary = ctypes.CDLL) -> Gpu:
    """Return the first GPU the driver shows. Loads cuBLAS as well: CTranslate2 looks for it too late to say so nicely.

    Raises:
        CudaUnusable: If there is no driver, no GPU or no cuBLAS.
    """
    import ctranslate2

    try:
        driver = load_library(_DRIVER)
    except OSError:
        raise CudaUnusable(f"no NVIDIA driver was found ({_DRIVER})") from None
    gpu = _first_gpu(driver)
    if ctranslate2.get_cuda_device_count() == 0:
        raise CudaUnusable("NVIDIA's driver is older than CUDA 12 needs")
    _load_cublas(load_library)
    return Gpu(*gpu, frozenset(ctranslate2.get_supported_compute_types("cuda")))


def _first_gpu(driver: Any) -> tuple[str, int, int]:
    """Return name, memory and free memory in MiB, by CUDA's driver interface."""
    count, device = ctypes.c_int(), ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        raise CudaUnusable("NVIDIA's driver shows no GPU (CUDA_VISIBLE_DEVICES may hide it)")
    _must(driver.cuDeviceGet(ctypes.byref(device), 0))
    name = ctypes.create_string_buffer(100)
    _must(driver.cuDeviceGetName(name, len(name), device))
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    with _context(driver, device):
        _must(driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)))
    return name.value.decode(errors="replace"), total.value // _MB, free.value // _MB


@contextmanager
def _context(driver: Any, device: ctypes.c_int) -> Iterator[None]:
    """Memory is asked of the current context; CTranslate2 uses the same one afterwards."""
    context = ctypes.c_void_p()
    _must(driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
    try:
        _must(driver.cuCtxPushCurrent_v2(context))
        try:
            yield
        finally:
            driver.cuCtxPopCurrent_v2(ctypes.byref(context))
    finally:
        driver.cuDevicePrimaryCtxRelease_v2(device)


def _must(status: int) -> None:
    if status:
        raise CudaUnusable(f"NVIDIA's driver fails with CUDA error {status}")


def _load_cublas(load_library: LoadLibrary) -> None:
    """Load cuBLAS where the system or a package of Python's has it: once loaded, CTranslate2 finds it by its name."""
    for name in _CUBLAS:
        for place in (name, *(str(folder / name) for folder in _package_folders())):
            try:
                load_library(place)
            except OSError:
                continue
            break
        else:
            raise CudaUnusable(f"{name} was not found (.venv/bin/pip install nvidia-cublas-cu12)")


def _package_folders() -> Iterator[Path]:
    try:
        spec = importlib.util.find_spec("nvidia.cublas")
    except ModuleNotFoundError:
        return
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield Path(folder) / "lib"
