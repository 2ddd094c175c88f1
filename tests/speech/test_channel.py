"""The bounded way to the process: what waits, what is kept, and what is given up."""

import asyncio
import itertools
import json

import pytest

from server.model.audio import OpusPacket
from server.speech.channel import KEPT_S, SpeechChannel
from server.speech.port import Final, Gap, Interim, OpenUtterance, SpeechEvent, StreamOptions
from server.speech.protocol import options_from_dict
from tests.virtual import run_virtually


class Room:
    """A channel and what it said."""

    def __init__(self) -> None:
        self.events: list[SpeechEvent] = []
        self.woken = 0
        self.channel = SpeechChannel(1, StreamOptions(), self.events.append, self.wake)

    def wake(self) -> None:
        self.woken += 1

    def push(self, seconds: float, start_s: float = 0.0) -> None:
        for number in range(round(seconds * 50)):
            arrival_s = start_s + number * 0.02
            self.channel.push_packet(OpusPacket(1, number & 0xFFFF, number * 960, b"\xf8\xff\xfe", arrival_s))

    def drain(self) -> int:
        """Take everything; return how many bytes it was."""
        taken = 0
        while frames := self.channel.take_unsent(100):
            taken += len(frames)
        return taken


async def test_audio_beyond_a_minute_is_given_up_with_a_gap_that_says_which() -> None:
    room = Room()
    room.push(KEPT_S + 10)
    room.drain()
    gaps = [event for event in room.events if isinstance(event, Gap)]
    assert gaps[0].start_s == 0.0
    assert 9.9 < gaps[-1].end_s <= 10.1
    assert all(before.end_s <= after.start_s + 0.001 for before, after in itertools.pairwise(gaps))
    assert len(gaps) <= 12


async def test_sent_audio_that_is_forgotten_is_no_gap() -> None:
    room = Room()
    for minute in range(5):
        room.push(60, start_s=minute * 60.0)
        room.drain()
    assert room.events == []


async def test_a_new_process_gets_everything_since_the_last_final() -> None:
    room = Room()
    room.push(10)
    whole = room.drain()
    room.channel.receive(Final("u1", 1.0, 5.0, "sim", (), "pt"))
    room.channel.start_again(forget_audio=False)
    assert 0.45 * whole < room.drain() < 0.55 * whole


async def test_audio_that_seems_to_kill_the_process_is_given_up() -> None:
    room = Room()
    room.push(10)
    room.drain()
    room.channel.start_again(forget_audio=True)
    assert [type(event) for event in room.events] == [Gap]
    assert room.drain() < 200


def utterances_begun() -> Room:
    """Return a room where one utterance is final and one has settled a word."""
    room = Room()
    room.channel.receive(Interim("u1", 0.0, 1.0, "estou", 0, "pt"))
    room.channel.receive(Interim("u2", 2.0, 3.0, "com dor", 3, "pt"))
    room.channel.receive(Final("u1", 0.0, 1.2, "estou", (), "pt"))
    return room


async def test_a_new_process_is_told_which_utterances_to_go_on_with() -> None:
    room = utterances_begun()
    room.channel.take_unsent(100)
    room.channel.start_again(forget_audio=False)
    assert len(room.events) == 3
    frame = room.channel.take_unsent(100)
    options = options_from_dict(json.loads(frame[5:])["options"])
    assert options.resume == (OpenUtterance("u2", 2.0, 3.0, "com"),)


@pytest.mark.parametrize("end", ["given up", "abandoned"])
async def test_utterances_that_nobody_goes_on_with_are_closed_with_what_had_settled(end: str) -> None:
    room = utterances_begun()
    if end == "given up":
        room.channel.start_again(forget_audio=True)
    else:
        room.channel.abandon()
    last = room.events[-1]
    assert isinstance(last, Final)
    assert (last.utterance_id, last.text) == ("u2", "com")
    assert [word.text for word in last.words] == ["com"]
    assert len(room.events) == 4


async def test_after_a_close_that_timed_out_nothing_more_is_said() -> None:
    room = Room()
    room.push(1)
    await room.channel.close(timeout_s=0.0)
    room.channel.receive(Final("u1", 0.0, 1.0, "sim", (), "pt"))
    room.push(1)
    assert room.events == []
    assert room.channel.closed


def test_a_close_goes_on_waiting_while_finals_come() -> None:
    async def close() -> None:
        room = Room()
        room.push(1)
        closing = asyncio.create_task(room.channel.close(timeout_s=20.0, most_s=600.0))
        for number in range(40):
            await asyncio.sleep(11.0)
            room.channel.receive(Final(f"u{number}", 0.0, 1.0, "sim", (), "pt"))
        room.channel.confirm_closed()
        await closing
        assert len(room.events) == 40

    run_virtually(close())


@pytest.mark.parametrize(("every_s", "ends_at_s"), [(11.0, 600.0), (45.0, 20.0)])
def test_a_close_ends_when_finals_stop_coming_and_at_the_latest_after_its_most(
    every_s: float, ends_at_s: float
) -> None:
    async def close() -> None:
        room = Room()
        room.push(1)
        closing = asyncio.create_task(room.channel.close(timeout_s=20.0, most_s=600.0))
        closing.add_done_callback(lambda _: ended.append(asyncio.get_running_loop().time()))
        while not closing.done():
            await asyncio.sleep(every_s)
            room.channel.receive(Final("u", 0.0, 1.0, "sim", (), "pt"))

    ended: list[float] = []
    run_virtually(close())
    assert ended == [pytest.approx(ends_at_s)]
