"""Settings, and the only reader of the environment.

Each field is one variable of the same name in upper case; `.env.example` lists them all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .model.consultation import ConsentMode, Language
from .model.errors import InvalidSettings


class Settings(BaseSettings):
    """Everything an owner can set. Every default works on a bare machine."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    # Where the server listens
    host: str = Field("127.0.0.1", description="address the page and API listen on")
    port: int = Field(8080, ge=0, le=65535, description="port of the page and API")
    public_url: str | None = Field(None, description="address people reach the page at, used in join links")
    tls_certificate: Path | None = Field(None, description="PEM certificate chain, to serve https itself")
    tls_key: Path | None = Field(None, description="PEM key of that certificate")
    allowed_origins: str = Field("", description="further page origins that may open the socket, comma separated")
    workers: int = Field(1, ge=1, le=64, description="media processes, one per core; a consultation lives in one")

    # Where things are kept
    data_dir: Path = Field(Path(".data"), description="embedded database, generated keys, waiting writes")
    recordings_dir: Path = Field(Path("recordings"), description="journals and finalized recordings")
    database_url: SecretStr | None = Field(None, description="PostgreSQL of your own instead of the embedded one")
    redis_url: SecretStr | None = Field(None, description="Redis for presence and replay instead of memory")

    # Who may call
    api_key: str = Field("escuta", description="name of the API credential (the tokens' issuer)")
    api_secret: SecretStr | None = Field(None, description="its secret, 32 bytes or more; generated when empty")
    token_ttl_s: int = Field(6 * 3600, ge=60, description="how long a join link is valid")

    # Media
    advertised_ip: str | None = Field(None, description="public address behind 1:1 NAT or Docker")
    udp_port_min: int = Field(0, ge=0, le=65535, description="first UDP port for media; 0 lets the system choose")
    udp_port_max: int = Field(0, ge=0, le=65535, description="last UDP port for media")
    stun_urls: str = Field("", description="STUN servers handed to the browsers, comma separated")
    turn_urls: str = Field("", description="TURN servers handed to the browsers, comma separated")
    turn_secret: SecretStr | None = Field(None, description="shared secret of coturn's use-auth-secret")
    turn_ttl_s: int = Field(4 * 3600, ge=60, description="how long handed-out TURN credentials are valid")

    # Consultations
    default_language: Language = Field("pt", description="language of a consultation that names none: pt, en or auto")
    consent: ConsentMode = Field("ask", description="ask in the page, or external when you obtain it elsewhere")
    reconnect_grace_s: float = Field(60.0, ge=0, description="how long a lost participant's seat is kept")
    idle_timeout_s: float = Field(300.0, gt=0, description="a room in which nobody is connected ends after this")
    max_duration_s: float = Field(4 * 3600.0, gt=0, description="longest consultation")
    unstable_after_s: float = Field(3.0, gt=0, description="media silent this long is shown as unstable")
    lost_after_s: float = Field(10.0, gt=0, description="media silent this long is shown as lost")
    min_free_disk_mb: int = Field(1024, ge=0, description="recording does not start with less; warns at twice that")

    # Speech
    speech_provider: str = Field("faster_whisper", description="provider in server/speech/providers")
    speech_model: str = Field(
        "", description="packaged base, a folder, or a name of the hub; empty: base, on a GPU large-v3-turbo"
    )
    speech_device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="cpu, cuda, or auto: a GPU if there is one"
    )
    speech_compute_type: str = Field("default", description="CTranslate2 compute type; default chooses by device")
    speech_threads: int = Field(0, ge=0, description="CPU threads of the model; 0 chooses")
    speech_batch: int = Field(0, ge=0, le=64, description="utterances read at once at most; 0: by device and memory")
    speech_base_url: str = Field(
        "", description="for openai_compatible and openai_realtime, ends in /v1; voices are sent there"
    )
    speech_service_name: str = Field(
        "", max_length=100, description="what participants are told of who hears them there; empty: its host"
    )
    speech_api_key: SecretStr | None = Field(None, description="its key, if it wants one")
    speech_remote_model: str = Field("", description="model name there")
    speech_timeout_s: float = Field(8.0, gt=0, description="longest wait for one utterance there, repeats included")
    speech_fallback: str = Field("", description="faster_whisper: stands in here when it fails; empty: nobody does")

    # The second pass: reading the recording again after the call
    second_pass: bool = Field(True, description="read each recording again while no call is live")
    second_pass_model: str = Field("", description="model for that, as in SPEECH_MODEL; empty: the same model")
    second_pass_limit: float = Field(
        30.0, gt=0, description="an attempt ends after 10 min and so many times the length of what is read"
    )
    second_pass_beam: int = Field(8, ge=1, le=32, description="how many readings it weighs against each other")

    # Entities: what is named in the captions
    entity_provider: Literal["rules", "llm"] = Field(
        "rules", description="rules, or llm: the chat model of the tips, while the rules stand in when it fails"
    )

    # Tips
    llm_provider: str = Field("", description="rules or openai_compatible; empty chooses by LLM_BASE_URL")
    llm_base_url: str | None = Field(None, description="any OpenAI-compatible endpoint, ending in /v1")
    llm_api_key: SecretStr | None = Field(None, description="its key, if it wants one")
    llm_model: str = Field("", description="model name there")
    llm_timeout_s: float = Field(15.0, gt=0, description="longest wait for one answer, repeats included")
    llm_first_token_s: float | None = Field(
        None, gt=0, description="longest wait for the first token of an answer; empty: LLM_TIMEOUT_S"
    )
    llm_stall_s: float = Field(5.0, gt=0, description="longest silence between two tokens of an answer")
    llm_max_tokens: int = Field(
        2000, ge=100, description="longest answer in tokens; one cut short is asked for again with 4 times this"
    )
    llm_temperature: float = Field(0.2, ge=0, le=2, description="0 to 2; left out where the model takes none")
    llm_reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high"] = Field(
        "", description="none, minimal, low, medium or high: how long a model thinks first; empty: as it likes"
    )
    report_timeout_s: float = Field(90.0, gt=0, description="longest wait for one part of a report that it writes")

    # What agents may look up
    context_sources: Path | None = Field(
        None, description="TOML file of read-only sources that agents may name (docs/operations.md)"
    )

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe level shown")
    log_format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else json")


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`; `overrides` win.

    Raises:
        InvalidSettings: If a value cannot be used; the message names the variable and the value's fault.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise InvalidSettings(f"{name} cannot be used: {first['msg']}. See .env.example.") from error
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings.udp_port_max < settings.udp_port_min:
        raise InvalidSettings(
            f"UDP_PORT_MAX is {settings.udp_port_max}, below UDP_PORT_MIN {settings.udp_port_min}: set both or neither."
        )
    if settings.turn_urls and settings.turn_secret is None:
        raise InvalidSettings("TURN_SECRET is empty although TURN_URLS is set: set it in .env (see .env.example).")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise InvalidSettings("TLS_CERTIFICATE and TLS_KEY belong together: set both or neither.")
    if settings.api_secret is not None and len(settings.api_secret.get_secret_value()) < 32:
        raise InvalidSettings("API_SECRET is shorter than 32 characters: set a longer one (openssl rand -hex 32).")
    if settings.lost_after_s <= settings.unstable_after_s:
        raise InvalidSettings("LOST_AFTER_S must be more than UNSTABLE_AFTER_S.")
