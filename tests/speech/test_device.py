"""What the model runs on and how much of it fits, with GPUs that are only told of: no test needs one."""

import pytest

from server.model.errors import SpeechUnavailable
from server.speech.cuda import CudaUnusable, Gpu
from server.speech.device import Place, fit, places
from server.speech.options import ProviderOptions
from server.speech.providers.faster_whisper import WhisperRecogniser

ALL = frozenset({"float32", "float16", "int8", "int8_float16", "int8_float32", "bfloat16"})
OLD = frozenset({"float32", "int8", "int8_float32"})
TURBO_MB = 1544


def gpu(free_mb: int, compute_types: frozenset[str] = ALL) -> Gpu:
    return Gpu("Some GPU", 2 * free_mb, free_mb, compute_types)


def found(free_mb: int = 8000) -> Gpu:
    return gpu(free_mb)


def missing() -> Gpu:
    raise CudaUnusable("no NVIDIA driver was found (libcuda.so.1)")


def never() -> Gpu:
    raise AssertionError("nobody may look for a GPU")


def chosen(device: str, model: str = "", find=found) -> list[tuple[str, str]]:
    return [(place.device, place.model) for place in places(ProviderOptions(device=device, model=model), find)]


def test_the_cpu_reads_the_packaged_model_and_looks_for_no_gpu() -> None:
    assert chosen("cpu", find=never) == [("cpu", "base")]


def test_a_gpu_reads_the_large_model_unless_another_is_named() -> None:
    assert chosen("cuda") == [("cuda", "large-v3-turbo")]
    assert chosen("cuda", "small") == [("cuda", "small")]


def test_auto_takes_a_gpu_and_keeps_the_cpu_for_when_it_cannot_be_used() -> None:
    assert chosen("auto") == [("cuda", "large-v3-turbo"), ("cpu", "base")]
    assert chosen("auto", "small") == [("cuda", "small"), ("cpu", "small")]
    assert chosen("auto", find=missing) == [("cpu", "base")]


def test_a_gpu_that_is_demanded_and_missing_is_an_error_in_one_sentence() -> None:
    with pytest.raises(SpeechUnavailable) as raised:
        chosen("cuda", find=missing)
    assert str(raised.value) == (
        "SPEECH_DEVICE is cuda, but no NVIDIA driver was found (libcuda.so.1): mend that, or set cpu or auto."
    )


@pytest.mark.parametrize(
    ("free_mb", "wanted"),
    [
        (140_000, ("float16", 16)),
        (8_000, ("float16", 16)),
        (5_000, ("float16", 8)),
        (4_000, ("int8_float16", 8)),
        (3_000, ("int8_float16", 4)),
        (1_000, ("int8_float16", 1)),
    ],
)
def test_precision_and_batch_follow_the_free_memory(free_mb: int, wanted: tuple[str, int]) -> None:
    [place] = places(ProviderOptions(device="cuda"), lambda: gpu(free_mb))
    assert fit(place, TURBO_MB, "default", 0) == wanted


def test_an_old_gpu_gets_what_it_runs_well() -> None:
    [place] = places(ProviderOptions(device="cuda"), lambda: gpu(16_000, OLD))
    assert fit(place, TURBO_MB, "default", 0) == ("float32", 16)
    [place] = places(ProviderOptions(device="cuda"), lambda: gpu(4_000, OLD))
    assert fit(place, TURBO_MB, "default", 0)[0] == "int8"


def test_what_the_owner_chose_stays() -> None:
    [on_gpu] = places(ProviderOptions(device="cuda"), found)
    assert fit(on_gpu, TURBO_MB, "int8_float16", 3) == ("int8_float16", 3)
    assert fit(on_gpu, TURBO_MB, "default", 2) == ("float16", 2)
    assert fit(on_gpu, TURBO_MB, "float32", 0) == ("float32", 8)
    [on_cpu] = places(ProviderOptions(), never)
    assert fit(on_cpu, 139, "default", 0) == ("int8", 1)
    assert fit(on_cpu, 139, "float32", 4) == ("float32", 4)


@pytest.mark.parametrize("free_mb", range(0, 20_000, 250))
def test_what_is_chosen_fits_and_more_memory_never_means_less(free_mb: int) -> None:
    [place] = places(ProviderOptions(device="cuda"), lambda: gpu(free_mb))
    compute_type, batch = fit(place, TURBO_MB, "default", 0)
    [roomier] = places(ProviderOptions(device="cuda"), lambda: gpu(free_mb + 250))
    assert (compute_type == "int8_float16", -batch) >= (
        fit(roomier, TURBO_MB, "default", 0)[0] == "int8_float16",
        -fit(roomier, TURBO_MB, "default", 0)[1],
    )


class Loading(WhisperRecogniser):
    """Loads nothing; on the GPUs of `full`, not even that."""

    def __init__(self, device: str, full: bool) -> None:
        super().__init__(ProviderOptions(device=device))
        self.full = full
        self.tried: list[str] = []

    def _load_at(self, place: Place) -> None:
        self.tried.append(f"{place.model} on {place.device}")
        if place.device == "cuda" and self.full:
            raise SpeechUnavailable("out of memory")


@pytest.mark.parametrize(
    ("device", "full", "tried"),
    [
        ("auto", False, ["large-v3-turbo on cuda"]),
        ("auto", True, ["large-v3-turbo on cuda", "base on cpu"]),
        ("cuda", False, ["large-v3-turbo on cuda"]),
    ],
)
def test_auto_falls_back_to_the_cpu_when_the_gpu_takes_no_model(
    monkeypatch: pytest.MonkeyPatch, device: str, full: bool, tried: list[str]
) -> None:
    monkeypatch.setattr("server.speech.providers.faster_whisper.places", lambda options: places(options, found))
    recogniser = Loading(device, full)
    recogniser.load()
    assert recogniser.tried == tried


def test_a_gpu_that_is_demanded_is_not_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.speech.providers.faster_whisper.places", lambda options: places(options, found))
    recogniser = Loading("cuda", full=True)
    with pytest.raises(SpeechUnavailable, match="out of memory"):
        recogniser.load()
    assert recogniser.tried == ["large-v3-turbo on cuda"]
