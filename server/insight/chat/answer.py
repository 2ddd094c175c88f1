"""One answer, put together from what an endpoint sends of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .failure import Failed, refused, status_of

NO_PROTOCOL = "did not answer as OpenAI's chat completions do: check LLM_BASE_URL"

MOST_CHARACTERS = 100_000
"""Of an answer; longer is not read."""
_MOST_REASONING = 1_000_000
_CHARACTERS_A_TOKEN = 3.5
"""Of Portuguese and English prose and JSON, for endpoints that do not tell."""
_CLOSERS: Final = ("</think>", "</thinking>", "<|message|>")
_OPENERS: Final = ("<think", "<|channel|>")
"""What stands between a model's thoughts and its answer where the server leaves both in one text."""

LONGEST_CLOSER: Final = max(map(len, _CLOSERS))


def estimated_tokens(characters: int) -> int:
    """Return about how many tokens a text of so many characters has."""
    return round(characters / _CHARACTERS_A_TOKEN)


class Answer:
    """What came so far. Thoughts are kept apart: the answer is read from them only where there is nothing else."""

    def __init__(self) -> None:
        self.text = ""
        self.model = ""
        self.finish: str | None = None
        self.first_token_s: float | None = None
        self.pieces = 0
        self.done = False
        self.streamed = False
        self._thoughts = ""
        self._usage: tuple[int, int] | None = None

    @property
    def ended(self) -> bool:
        """Whether the endpoint said that nothing more comes."""
        return self.done or self.finish is not None

    @property
    def written(self) -> int:
        """How many characters the model wrote, thoughts included."""
        return len(self.text) + len(self._thoughts)

    @property
    def begun(self) -> bool:
        """Whether the model wrote anything, thoughts included."""
        return self.written > 0

    @property
    def spoken(self) -> str:
        """The text that holds the answer."""
        # vLLM puts the whole answer among the thoughts when its reasoning parser meets a model that does not think
        # (vLLM #19222).
        return self.text if self.text.strip() else self._thoughts

    def usage(self, prompt_characters: int) -> tuple[int, int, bool]:
        """Return the tokens of prompt and answer, and whether they are estimated."""
        if self._usage is not None:
            return (*self._usage, False)
        written = estimated_tokens(self.written)
        return estimated_tokens(prompt_characters), written, True

    def take(self, event: object) -> str:
        """Take a chunk of a stream, or a whole completion; return the text that it adds.

        Raises:
            Failed: If it tells an error or a refusal, is no completion at all, or is too much.
        """
        if not isinstance(event, Mapping):
            raise Failed(NO_PROTOCOL)
        if event.get("error"):
            raise refused(status_of(event["error"]), dict(event))
        self._note(event)
        choices = event.get("choices")
        if not isinstance(choices, list):
            if choices is None and "usage" in event:
                return ""
            raise Failed(NO_PROTOCOL)
        added = "".join(self._choice(one) for one in choices if isinstance(one, Mapping) and not one.get("index"))
        if len(self.text) > MOST_CHARACTERS or len(self._thoughts) > _MOST_REASONING:
            raise Failed("answered with more than is read")
        return added

    def _note(self, event: Mapping[str, Any]) -> None:
        model = event.get("model")
        if isinstance(model, str) and model:
            self.model = model
        usage = event.get("usage")
        if isinstance(usage, Mapping):
            counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
            prompt, answer = (count if type(count) is int and count >= 0 else None for count in counts)
            if prompt is not None and answer is not None:
                self._usage = (prompt, answer)

    def _choice(self, choice: Mapping[str, Any]) -> str:
        self.streamed = self.streamed or "delta" in choice
        said = choice.get("delta") or choice.get("message")
        said = said if isinstance(said, Mapping) else {}
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self.finish = finish
        if said.get("refusal") or finish == "content_filter":
            raise Failed("refused to answer")
        if finish == "error":
            raise Failed("broke off its answer", again=True)
        for name in ("reasoning_content", "reasoning"):
            if isinstance(said.get(name), str):
                self._thoughts += said[name]
                break
        added = _text(said.get("content"))
        self.text += added
        self.pieces += bool(added)
        return added


def _text(content: object) -> str:
    """Return the text of a content: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def behind_thoughts(text: str, start: int = 0) -> int:
    """Return where the answer begins in a text that may hold thoughts before it; looks from `start` on.

    0 if there are no thoughts to be seen, -1 if they have not ended.
    """
    ends = [at + len(closer) for closer in _CLOSERS if (at := text.rfind(closer, start)) >= 0]
    if ends:
        return max(ends)
    return -1 if text.lstrip().startswith(_OPENERS) else 0
