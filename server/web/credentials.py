"""The API secret: the owner's own, or one made once and kept in DATA_DIR."""

from __future__ import annotations

import os
import secrets

from ..model.errors import InvalidSettings
from ..settings import Settings
from .auth import MIN_SECRET_CHARS, TokenAuthority

SECRET_FILE = "api_secret"  # noqa: S105 - a file's name


def load_api_secret(settings: Settings) -> str:
    """Return API_SECRET, or the secret in `DATA_DIR/api_secret`, made (mode 0600) when it is missing.

    Raises:
        InvalidSettings: If the file cannot be made or read, or holds too short a secret.
    """
    if settings.api_secret is not None:
        return settings.api_secret.get_secret_value()
    path = settings.data_dir / SECRET_FILE
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = settings.data_dir / f".{SECRET_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        if not path.exists():
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
            try:
                os.link(draft, path)  # the first of two processes wins, and nobody reads half a secret
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"The API secret in {path} cannot be read or made: {error}. Set API_SECRET.") from error
    if len(secret) < MIN_SECRET_CHARS:
        raise InvalidSettings(f"The API secret in {path} is too short: delete the file to have a new one made.")
    return secret


def token_authority(settings: Settings) -> TokenAuthority:
    """Return the authority of these settings.

    Raises:
        InvalidSettings: As `load_api_secret`.
    """
    return TokenAuthority(settings.api_key, load_api_secret(settings), settings.token_ttl_s)
