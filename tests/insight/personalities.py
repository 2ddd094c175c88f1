"""Chat endpoints as their servers speak, one class each: what they refuse, how they stream, where they put things."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from aiohttp import web

from tests.insight.fake_openai import DONE, chunk, completion, event
from tests.served import CLOSING, served

ANSWER = {"tips": [{"text": "primeira dica", "n": 1}, {"text": "segunda: {“ção”}", "n": 2}], "note": "é tudo"}


class Refuses(Exception):
    """The server answers with a status and a body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def no(message: str, status: int = 400, **more: Any) -> Refuses:
    return Refuses(status, {"error": {"message": message, "type": "invalid_request_error", **more}})


class Personality:
    """OpenAI's own manners, and what a test may ask of any of them."""

    mode: ClassVar[str] = "json_schema"
    streaming: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    learns_in: ClassVar[int] = 1
    """Requests until the first answer is right."""
    each_time: ClassVar[int] = 1
    """Requests for an answer once all is learned."""
    kind: ClassVar[str] = "text/event-stream; charset=utf-8"

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.first_item_heard = asyncio.Event()
        self.url = ""

    def accept(self, asked: dict[str, Any]) -> None:
        """Raise Refuses if this server does not take such a request."""

    def text(self, asked: dict[str, Any]) -> str:
        return json.dumps(ANSWER, ensure_ascii=False)

    def start(self) -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": "", "refusal": None})

    def piece(self, text: str) -> bytes:
        return chunk(text)

    def end(self, asked: dict[str, Any]) -> Iterator[bytes]:
        yield chunk({}, "stop")
        if asked.get("stream_options", {}).get("include_usage"):
            yield event({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 5}})
        yield DONE

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        try:
            self.accept(asked)
        except Refuses as refusal:
            kind = {"text": refusal.body} if isinstance(refusal.body, str) else {"body": json.dumps(refusal.body)}
            return web.Response(status=refusal.status, content_type="application/json", **kind)
        if not (asked.get("stream") and self.streaming):
            return web.json_response(self.whole(asked))
        response = web.StreamResponse(headers={"Content-Type": self.kind})
        await response.prepare(request)
        async for data in self._stream(request, asked):
            await response.write(data)
        return response

    def whole(self, asked: dict[str, Any]) -> dict[str, Any]:
        return completion(self.text(asked))

    async def _stream(self, request: web.Request, asked: dict[str, Any]) -> AsyncIterator[bytes]:
        for data in self.start():
            yield data
        text = self.text(asked)
        first, last = text[: text.rfind('"note"')], text[text.rfind('"note"') :]
        for at in range(0, len(first), 7):
            yield self.piece(first[at : at + 7])
        if self.well_formed(asked):
            # The last words are held back until the first item was heard of: who waits for the whole never gets it.
            heard = asyncio.ensure_future(self.first_item_heard.wait())
            over = asyncio.ensure_future(request.app[CLOSING].wait())
            await asyncio.wait({heard, over}, return_when=asyncio.FIRST_COMPLETED)
            heard.cancel()
            over.cancel()
        yield self.piece(last)
        for data in self.end(asked):
            yield data

    def well_formed(self, asked: dict[str, Any]) -> bool:
        return '"note"' in self.text(asked)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Personality"]:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self.handle)
        async with served(application, shutdown_s=0.1) as address:
            self.url = f"{address}/v1"
            yield self


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for one in schema.values():
            yield from objects_of(one)


class OpenAI(Personality):
    """Takes only schemas that are closed and require everything."""

    def accept(self, asked: dict[str, Any]) -> None:
        schema = asked["response_format"]["json_schema"]
        for one in objects_of(schema["schema"]):
            if one.get("additionalProperties") is not False or set(one["required"]) != set(one["properties"]):
                raise no("Invalid schema for response_format 'answer': 'additionalProperties' is required to be false")
        if "minLength" in json.dumps(schema):
            raise no("Invalid schema for response_format 'answer': 'minLength' is not permitted.")


class OpenAIReasoning(OpenAI):
    learns_in = 3

    def accept(self, asked: dict[str, Any]) -> None:
        super().accept(asked)
        if "max_tokens" in asked:
            raise no(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
                "instead.",
                param="max_tokens",
                code="unsupported_parameter",
            )
        if asked.get("temperature", 1) != 1:
            raise no(
                "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is "
                "supported.",
                param="temperature",
            )


class OpenAIUnverified(OpenAI):
    """An organization that has not shown its papers may not stream the newest models."""

    streaming = False
    learns_in = 2

    def accept(self, asked: dict[str, Any]) -> None:
        if asked.get("stream"):
            raise no("Your organization must be verified to stream this model.", param="stream")


class Vllm(Personality):
    """Thoughts in a field of their own; usage in every chunk if asked for."""

    thoughts: ClassVar[str] = "reasoning_content"

    def start(self) -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": ""})
        yield chunk({self.thoughts: 'The patient {"tips": [{"text": "no", "n": 0}]}'})

    def piece(self, text: str) -> bytes:
        return chunk(text, usage={"prompt_tokens": 11, "completion_tokens": 3})


class VllmNewer(Vllm):
    thoughts = "reasoning"


class VllmAllIsThought(Vllm):
    """Its reasoning parser takes the whole answer of a model that does not think for thoughts."""

    streaming = False

    def whole(self, asked: dict[str, Any]) -> dict[str, Any]:
        said = {"role": "assistant", "content": None, "reasoning_content": self.text(asked)}
        return completion("", choices=[{"index": 0, "message": said, "finish_reason": "stop"}])


class Gemma(Vllm):
    """A chat template that knows no system role."""

    learns_in = 2

    def accept(self, asked: dict[str, Any]) -> None:
        if asked["messages"][0]["role"] == "system":
            raise Refuses(400, {"object": "error", "message": "System role not supported", "code": 400})


class LlamaCpp(Personality):
    """Null as the first content, comments that keep the connection alive, timings beside the usage."""

    def start(self) -> Iterator[bytes]:
        yield b":\n\n"
        yield chunk({"role": "assistant", "content": None})

    def piece(self, text: str) -> bytes:
        return b": ping\n\n" + chunk(text, timings={"prompt_ms": 1.0})


class LlamaCppNoGrammar(LlamaCpp):
    """Cannot make a grammar of a schema and takes nothing but text then."""

    mode = "text"
    learns_in = 3

    def accept(self, asked: dict[str, Any]) -> None:
        if "response_format" in asked:
            raise no("Failed to initialize samplers: std::exception")

    def text(self, asked: dict[str, Any]) -> str:
        return f"Here it is:\n```json\n{super().text(asked)}\n```\n"


class LlamaCppIgnoresSchema(LlamaCpp):
    """Takes the schema and does not hold to it; does well once it stands in the prompt."""

    learns_in = 2

    def text(self, asked: dict[str, Any]) -> str:
        told = "JSON Schema" in asked["messages"][0]["content"]
        return super().text(asked) if told else '{"answer": "Sure!"}'


class Ollama(Personality):
    """Knows JSON mode and schemas, streams thoughts as `reasoning`, leaves out what it has nothing to say in."""

    def start(self) -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": "", "reasoning": "Hm."})


class OllamaOld(Personality):
    """Counts no tokens in a stream and knows no schemas: it says nothing, and does as the prompt says."""

    counts = False
    learns_in = 2

    def text(self, asked: dict[str, Any]) -> str:
        return super().text(asked) if "JSON Schema" in asked["messages"][0]["content"] else "{}"

    def end(self, asked: dict[str, Any]) -> Iterator[bytes]:
        yield chunk({}, "stop")
        yield DONE


class LmStudio(Personality):
    """Refuses JSON mode; its errors are plain strings."""

    def accept(self, asked: dict[str, Any]) -> None:
        if asked.get("response_format", {}).get("type") not in ("json_schema", "text", None):
            raise Refuses(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"})


class TextGenerationInference(Personality):
    """No blank after `data:`, no `[DONE]`, no schema by OpenAI's name; prompt and answer must fit together."""

    mode = "text"
    learns_in = 4
    each_time = 2
    counts = False

    def accept(self, asked: dict[str, Any]) -> None:
        kind = asked.get("response_format", {}).get("type")
        if kind is not None:
            message = f"response_format.type: unknown variant `{kind}`, expected one of `json`, `regex`"
            raise Refuses(422, f"Failed to deserialize the JSON body into the target type: {message}")
        if asked.get("max_tokens", 0) > 1000:
            said = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1024. Given: 30 and 2000"
            raise Refuses(422, {"error": said, "error_type": "validation"})

    def start(self) -> Iterator[bytes]:
        yield b""

    def piece(self, text: str) -> bytes:
        return chunk(text).replace(b"data: ", b"data:")

    def end(self, asked: dict[str, Any]) -> Iterator[bytes]:
        yield chunk({}, "eos_token").replace(b"data: ", b"data:")


class Mistral(Personality):
    """Forbids fields it does not know, and says so as FastAPI does."""

    counts = False
    learns_in = 2

    def accept(self, asked: dict[str, Any]) -> None:
        if "stream_options" in asked:
            detail = [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"], "msg": "Extra"}]
            raise Refuses(422, {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"})


class OpenRouter(Personality):
    """Comments while a model is being woken, CRLF, and its answers as lists of parts."""

    def start(self) -> Iterator[bytes]:
        yield b": OPENROUTER PROCESSING\r\n\r\n" * 3
        yield chunk({"role": "assistant", "content": ""}).replace(b"\n", b"\r\n")

    def piece(self, text: str) -> bytes:
        return chunk({"content": [{"type": "text", "text": text}]}).replace(b"\n", b"\r\n")


class Thinker(Personality):
    """Leaves thoughts in the text, drafts included, and the opening mark in the template."""

    opening: ClassVar[str] = ""

    def text(self, asked: dict[str, Any]) -> str:
        thoughts = "A draft: {'tips': …} or [maybe].\n</think>\n\n"
        return self.opening + thoughts + super().text(asked)


class OpenThinker(Thinker):
    opening = "<think>\n{}"


class Harmony(Personality):
    """Lets its model's channel marks through."""

    def text(self, asked: dict[str, Any]) -> str:
        said = '<|channel|>analysis<|message|>Draft {"tips": []}<|end|><|start|>assistant<|channel|>final<|message|>'
        return said + super().text(asked)


class NoStreams(Personality):
    """A gateway that answers whole whatever it is asked for."""

    streaming = False


class SpeaksText(Personality):
    """Streams under a wrong name, ends without a word, counts nothing."""

    counts = False
    kind = "text/plain"

    def end(self, asked: dict[str, Any]) -> Iterator[bytes]:
        yield b"\n"


class Fussy(Personality):
    """Refuses with no reason whatever goes beyond model and messages."""

    mode = "text"
    streaming = False
    learns_in = 4

    def accept(self, asked: dict[str, Any]) -> None:
        if set(asked) != {"model", "messages"}:
            raise Refuses(400, {"title": "Bad Request"})


PERSONALITIES: tuple[type[Personality], ...] = (
    OpenAI,
    OpenAIReasoning,
    OpenAIUnverified,
    Vllm,
    VllmNewer,
    VllmAllIsThought,
    Gemma,
    LlamaCpp,
    LlamaCppNoGrammar,
    LlamaCppIgnoresSchema,
    Ollama,
    OllamaOld,
    LmStudio,
    TextGenerationInference,
    Mistral,
    OpenRouter,
    Thinker,
    OpenThinker,
    Harmony,
    NoStreams,
    SpeaksText,
    Fussy,
)
