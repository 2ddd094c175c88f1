"""The second pass over recordings."""

from __future__ import annotations

from pathlib import Path

from ...model.errors import DatabaseUnavailable, SpeechUnavailable
from ...settings import Settings
from .database import kept_in
from .finding import Finding, ok, warn

_COUNT = "SELECT state, count(*) FROM second_passes WHERE state IN ('waiting', 'failed') GROUP BY state"
_ELSEWHERE = ("openai_compatible", "openai_realtime")


async def check(settings: Settings) -> Finding:
    """Tell whether it is on, by which model it reads, how many recordings wait and how many were given up."""
    if not settings.second_pass:
        return ok("Recordings are not read again (SECOND_PASS): there are live transcripts alone.")
    model = settings.second_pass_model or settings.speech_model
    # A service elsewhere reads while one speaks; a whole recording is read here.
    provider = "faster_whisper" if settings.speech_provider in _ELSEWHERE else settings.speech_provider
    what = f"Recordings are read again by {provider} with {model!r} and a beam of {settings.second_pass_beam}"
    missing = _missing(settings, model)
    if missing:
        return warn(f"{what}: {missing}")
    try:
        waiting, failed = await _counts(settings)
    except DatabaseUnavailable:
        return warn(f"{what}; the database does not answer how many wait.")
    counted = f"{what}; {waiting} wait{'s' if waiting == 1 else ''}, {failed} failed"
    if failed:
        return warn(f"{counted}: the log says why; docs/operations.md, how to have them tried again.")
    return ok(f"{counted}.")


def _missing(settings: Settings, model: str) -> str:
    """Return what is wrong with a model given as a folder; a name is fetched when it is first needed."""
    from ...speech.model_files import model_folder

    if not (Path(model).is_absolute() or model.startswith((".", "~"))):
        return ""
    try:
        model_folder(model, settings.data_dir.absolute() / "models")
    except SpeechUnavailable as error:
        return str(error).replace("SPEECH_MODEL", "SECOND_PASS_MODEL" if settings.second_pass_model else "SPEECH_MODEL")
    return ""


async def _counts(settings: Settings) -> tuple[int, int]:
    """Return how many wait and how many were given up; raises DatabaseUnavailable."""
    import psycopg

    async with kept_in(settings) as url:
        if not url:
            return 0, 0
        try:
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as connection:
                rows = await (await connection.execute(_COUNT)).fetchall()
        except psycopg.errors.UndefinedTable:  # made by an older version; the next start brings it up to date
            return 0, 0
        except psycopg.Error:
            raise DatabaseUnavailable from None
    found: dict[str, int] = {str(state): int(count) for state, count in rows}
    return found.get("waiting", 0), found.get("failed", 0)
