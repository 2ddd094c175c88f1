"""OpenAI's realtime transcription, or what speaks the same: finals by utterance, interims where it streams them.

Voices leave the machine: only where the owner has set SPEECH_BASE_URL.
"""

from __future__ import annotations

from ..options import ProviderOptions
from ..port import SpeechToText
from ..realtime_socket import RealtimeEndpoint
from ..remote import RemoteSpeech
from ..transcription_endpoint import check
from ..vad import load_voice_activity


def create(options: ProviderOptions) -> SpeechToText:
    """Return the provider.

    Raises:
        InvalidSettings: If a setting is missing or cannot be used.
    """
    check(options)
    return RemoteSpeech("openai_realtime", lambda: RealtimeEndpoint(options), load_voice_activity, one_for_each=True)
