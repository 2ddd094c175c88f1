"""What a model runs on, which one by default, at which precision, and how many utterances at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import structlog

from ..model.errors import SpeechUnavailable
from .cuda import CudaUnusable, Gpu, find_gpu
from .model_files import PACKAGED
from .options import ProviderOptions

log = structlog.get_logger()

DEFAULT_ON_GPU = "large-v3-turbo"
_LIBRARIES_MB = 1000
"""What CUDA and its libraries take beside the model."""
_BATCHES = (16, 8, 4, 2, 1)
_WORTH_FLOAT16 = 8
"""Of 16-bit numbers and larger batches, the batches: so many come before precision."""


@dataclass(frozen=True, slots=True)
class Place:
    """A device, and the model that is to be loaded there."""

    device: Literal["cpu", "cuda"]
    model: str
    gpu: Gpu | None = None


def places(options: ProviderOptions, find: Callable[[], Gpu] = find_gpu) -> list[Place]:
    """Return where the model may be loaded, best first; `auto` leaves the CPU for when the GPU cannot be used.

    Raises:
        SpeechUnavailable: If a GPU was demanded and there is none.
    """
    on_cpu = Place("cpu", options.model or PACKAGED)
    if options.device == "cpu":
        return [on_cpu]
    try:
        gpu = find()
    except CudaUnusable as error:
        if options.device == "cuda":
            raise SpeechUnavailable(f"SPEECH_DEVICE is cuda, but {error}: mend that, or set cpu or auto.") from error
        log.info("speech.no_gpu", reason=str(error))
        return [on_cpu]
    on_gpu = Place("cuda", options.model or DEFAULT_ON_GPU, gpu)
    return [on_gpu] if options.device == "cuda" else [on_gpu, on_cpu]


def fit(place: Place, model_mb: int, compute_type: str, batch: int) -> tuple[str, int]:
    """Return compute type and largest batch for a model whose file is so big; `default` and 0 leave the choice to us.

    A CPU reads one at a time: a batch gains it little, and whoever is first in it waits for the last. On a GPU both
    depend on the memory that is free.
    """
    if place.gpu is None:
        return ("int8" if compute_type == "default" else compute_type), batch or 1
    for_gpu = _fit_gpu(place.gpu, model_mb)
    if compute_type == "default":
        return for_gpu[0], batch or for_gpu[1]
    return compute_type, batch or _largest_batch(place.gpu, model_mb, _share(compute_type))


def _fit_gpu(gpu: Gpu, model_mb: int) -> tuple[str, int]:
    exact, coarse = _best(gpu.compute_types, ("float16", "float32")), _best(gpu.compute_types, ("int8_float16", "int8"))
    batch = _largest_batch(gpu, model_mb, _share(exact))
    if batch >= _WORTH_FLOAT16:
        return exact, batch
    return coarse, _largest_batch(gpu, model_mb, _share(coarse))


def _best(there: Collection[str], wanted: tuple[str, ...]) -> str:
    return next((name for name in wanted if name in there), wanted[-1])


def _share(compute_type: str) -> float:
    """Return what a model takes at `compute_type`, compared with its file, whose numbers usually have 16 bits."""
    if compute_type.startswith("int8"):
        return 0.6
    return 2.0 if compute_type == "float32" else 1.0


def _largest_batch(gpu: Gpu, model_mb: int, share: float) -> int:
    left_mb = gpu.free_mb - _LIBRARIES_MB - share * model_mb
    each_mb = 60 + model_mb / 8
    return next((batch for batch in _BATCHES if batch * each_mb <= left_mb), 1)
