"""What a server needs before its first part starts, whether it runs alone, as a worker or as the front of several."""

from __future__ import annotations

from .insight.create import prepare
from .settings import Settings
from .web.auth import TokenAuthority
from .web.credentials import token_authority


def lay_groundwork(settings: Settings) -> TokenAuthority:
    """Make the tips ready and the folders that are missing, and return who signs and verifies tokens.

    Raises:
        InvalidSettings: If a setting cannot be used, or the API secret can be neither read nor made.
    """
    prepare(settings)
    authority = token_authority(settings)
    for folder in (settings.data_dir, settings.recordings_dir):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return authority
