"""What a provider is created with."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """The owner's settings and the agent's choice, as far as a provider needs them."""

    base_url: str | None = None
    api_key: SecretStr | None = None
    model: str = ""
    timeout_s: float = 15.0
