"""What a speech provider is told when it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..settings import Settings


class ProviderOptions(BaseModel):
    """The model, where it is kept and what it runs on, or who else is asked; travels to the child process as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""  # by device
    models_dir: Path = Path(".data/models")
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    compute_type: str = "default"
    threads: int = 0
    batch: int = 0  # by device
    final_beam: int = 5
    interim_beam: int = 2
    base_url: str = ""
    api_key: str = Field("", repr=False)  # plain, to travel through the pipe: never in a log or an address
    remote_model: str = ""
    timeout_s: float = 8.0
    fallback: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> ProviderOptions:
        """Read them from the settings."""
        return cls(
            model=settings.speech_model,
            models_dir=settings.data_dir.absolute() / "models",
            device=settings.speech_device,
            compute_type=settings.speech_compute_type,
            threads=settings.speech_threads,
            batch=settings.speech_batch,
            base_url=settings.speech_base_url,
            api_key="" if settings.speech_api_key is None else settings.speech_api_key.get_secret_value(),
            remote_model=settings.speech_remote_model,
            timeout_s=settings.speech_timeout_s,
            fallback=settings.speech_fallback,
        )

    @classmethod
    def for_second_pass(cls, settings: Settings) -> ProviderOptions:
        """Read those of the second pass from the settings."""
        better: dict[str, object] = {"final_beam": settings.second_pass_beam}
        if settings.second_pass_model:
            better |= {"model": settings.second_pass_model}
        return cls.from_settings(settings).model_copy(update=better)
