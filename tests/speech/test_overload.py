"""A model that is slower than the speech it hears: captions say so and come late, and nothing said is lost."""

import pytest

from server.speech.capacity import Pace
from server.speech.port import Final, Gap, Interim, StateChanged
from tests.speech.slow_model import listen

TURNS = [(3.0, 1.0)] * 15
SLOW = Pace(interim_s=0.9, final_s=2.5, each_s=2.5)
"""Of two people who talk at once: 5 s of work for finals in 4 s of talk."""
QUICK = Pace(interim_s=0.09, final_s=0.25, each_s=0.25)


def test_an_overloaded_model_delays_captions_and_loses_no_final(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = listen(monkeypatch, SLOW, [TURNS, TURNS])
    for number in range(2):
        finals = talk.of(Final, number)
        assert [final.text.split()[0] for final in finals] == ["estou"] * len(TURNS)
        assert [round(final.start_s / 4.0) for final in finals] == list(range(len(TURNS)))
        assert not talk.of(Gap, number)
        assert [state.state for state in talk.of(StateChanged, number)] == ["delayed", "ok"]
    last_s = max(at_s for events in talk.events for at_s, event in events if isinstance(event, Final))
    assert last_s > talk.ended_s + 10, "the model kept up: this is no overload"
    assert talk.model.finals == 2 * len(TURNS)


def test_interims_become_rarer_the_slower_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = listen(monkeypatch, SLOW, [TURNS, TURNS])
    quick = listen(monkeypatch, QUICK, [TURNS, TURNS])
    assert 0 < slow.model.interims < quick.model.interims / 4
    assert not quick.of(StateChanged, 0) + quick.of(StateChanged, 1)
    shown_slow, shown_quick = (len(talk.of(Interim, 0)) + len(talk.of(Interim, 1)) for talk in (slow, quick))
    assert 0 < shown_slow < shown_quick
