"""Any endpoint that speaks OpenAI's audio transcriptions: hosted, vLLM, Speaches, a machine of your own with a GPU.

Finals by utterance, no interims. Voices leave the machine: only where the owner has set SPEECH_BASE_URL.
"""

from __future__ import annotations

from ..options import ProviderOptions
from ..port import SpeechToText
from ..remote import RemoteSpeech
from ..transcription_endpoint import TranscriptionEndpoint, check
from ..vad import load_voice_activity


def create(options: ProviderOptions) -> SpeechToText:
    """Return the provider.

    Raises:
        InvalidSettings: If a setting is missing or cannot be used.
    """
    check(options)

    return RemoteSpeech("openai_compatible", lambda: TranscriptionEndpoint(options), load_voice_activity)
