"""Which of our languages a detected one is."""

from __future__ import annotations

LANGUAGES = ("pt", "en")
_NEARBY = {"gl": "pt", "es": "pt"}
"""What language detection makes of Portuguese at times."""


def known_language(language: str) -> str:
    """Return "pt" or "en" for a language as detected or set ("pt-BR", "en", "gl", …)."""
    base = language.lower().replace("_", "-").split("-")[0]
    base = _NEARBY.get(base, base)
    return base if base in LANGUAGES else "en"
