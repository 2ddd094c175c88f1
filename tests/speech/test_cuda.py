"""How a GPU is looked for, by a driver that is only played: each thing that may be missing is named."""

import ctypes
from collections.abc import Callable
from typing import Any

import ctranslate2
import pytest

from server.speech.cuda import CudaUnusable, find_gpu


class PlayedDriver:
    """CUDA's driver interface, as far as it is asked."""

    def __init__(self, gpus: int = 1, fails: str = "") -> None:
        self.gpus = gpus
        self.fails = fails
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name == self.fails:
                return 2
            if name == "cuDeviceGetCount":
                arguments[0]._obj.value = self.gpus
            elif name == "cuDeviceGetName":
                arguments[0].value = b"Played GPU"
            elif name == "cuMemGetInfo_v2":
                arguments[0]._obj.value, arguments[1]._obj.value = 6000 << 20, 8000 << 20
            return 0

        return call


class Libraries:
    """What can be loaded on this machine."""

    def __init__(self, driver: PlayedDriver | None, *others: str) -> None:
        self.driver = driver
        self.others = others

    def __call__(self, name: str) -> object:
        if name == "libcuda.so.1" and self.driver is not None:
            return self.driver
        if name in self.others:
            return object()
        raise OSError(name)


CUBLAS = ("libcublasLt.so.12", "libcublas.so.12")


@pytest.fixture
def supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: {"float32", "float16"})


def reason(libraries: Libraries) -> str:
    with pytest.raises(CudaUnusable) as raised:
        find_gpu(libraries)
    return str(raised.value)


@pytest.mark.usefixtures("supported")
def test_a_gpu_is_found_with_its_free_memory() -> None:
    driver = PlayedDriver()
    gpu = find_gpu(Libraries(driver, *CUBLAS))
    assert (gpu.name, gpu.total_mb, gpu.free_mb) == ("Played GPU", 8000, 6000)
    assert gpu.compute_types == {"float32", "float16"}
    assert driver.calls[-2:] == ["cuCtxPopCurrent_v2", "cuDevicePrimaryCtxRelease_v2"]


@pytest.mark.usefixtures("supported")
@pytest.mark.parametrize(
    ("libraries", "says"),
    [
        (Libraries(None, *CUBLAS), "no NVIDIA driver"),
        (Libraries(PlayedDriver(gpus=0), *CUBLAS), "shows no GPU"),
        (Libraries(PlayedDriver(fails="cuInit"), *CUBLAS), "shows no GPU"),
        (Libraries(PlayedDriver(fails="cuMemGetInfo_v2"), *CUBLAS), "CUDA error 2"),
        (Libraries(PlayedDriver(), "libcublasLt.so.12"), "libcublas.so.12 was not found"),
    ],
)
def test_what_is_missing_is_named(libraries: Libraries, says: str) -> None:
    assert says in reason(libraries)


@pytest.mark.usefixtures("supported")
def test_the_context_is_given_back_when_the_driver_fails() -> None:
    driver = PlayedDriver(fails="cuMemGetInfo_v2")
    reason(Libraries(driver, *CUBLAS))
    assert driver.calls[-2:] == ["cuCtxPopCurrent_v2", "cuDevicePrimaryCtxRelease_v2"]


def test_a_driver_too_old_for_ctranslate2_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    assert "older" in reason(Libraries(PlayedDriver(), *CUBLAS))


@pytest.mark.usefixtures("supported")
def test_cublas_of_a_python_package_is_loaded_by_its_path(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia" / "cublas" / "lib").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    paths = [str(tmp_path / "nvidia" / "cublas" / "lib" / name) for name in CUBLAS]
    assert find_gpu(Libraries(PlayedDriver(), *paths)).name == "Played GPU"


def test_without_a_driver_the_machine_itself_says_so() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        with pytest.raises(CudaUnusable, match="no NVIDIA driver"):
            find_gpu()
    else:
        pytest.skip("this machine has NVIDIA's driver")
