"""What a provider is created with."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """The owner's settings and the agent's choice, as far as a provider needs them.

    `timeout_s` is for one whole answer, everything asked again included; `first_token_s` for the first word of one
    (None: as long as for all of it), `stall_s` for the silence between two.
    `temperature` None and `reasoning_effort` "" are the endpoint's own.
    """

    base_url: str | None = None
    api_key: SecretStr | None = None
    model: str = ""
    timeout_s: float = 15.0
    first_token_s: float | None = None
    stall_s: float = 5.0
    max_tokens: int = 2000
    temperature: float | None = 0.2
    reasoning_effort: str = ""
