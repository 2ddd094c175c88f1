"""Where utterances begin and end, from speech probabilities alone."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from server.speech.segmenter import Segment, Segmenter, SegmenterOptions, windows

OPTIONS = SegmenterOptions()


def run(probabilities: list[float], options: SegmenterOptions = OPTIONS) -> list[Segment]:
    segmenter = Segmenter(options)
    segments = [segment for probability in probabilities if (segment := segmenter.push(probability)) is not None]
    last = segmenter.flush()
    return segments if last is None else [*segments, last]


def test_silence_is_no_utterance() -> None:
    assert run([0.1] * 500) == []


def test_an_utterance_has_pre_roll_and_ends_after_the_hangover() -> None:
    [segment] = run([0.0] * 50 + [0.9] * 60 + [0.0] * 50)
    assert (segment.speech_start, segment.speech_end) == (50, 110)
    assert segment.start == 50 - windows(OPTIONS.pre_roll_s)
    assert segment.end == 110 + windows(OPTIONS.hangover_s)
    assert segment.voiced == 60


def test_one_loud_window_is_a_click_not_an_utterance() -> None:
    assert run([0.0] * 20 + [0.9] + [0.0] * 40) == []


def test_a_short_answer_waits_longer_for_more() -> None:
    pause = windows(OPTIONS.hangover_s) + 1
    assert len(run([0.9] * 12 + [0.0] * pause + [0.9] * 40 + [0.0] * 40)) == 1
    assert len(run([0.9] * 60 + [0.0] * pause + [0.9] * 40 + [0.0] * 40)) == 2


def test_a_breath_does_not_end_an_utterance() -> None:
    [segment] = run([0.9] * 40 + [0.2] * 8 + [0.9] * 40 + [0.0] * 40)
    assert (segment.speech_start, segment.speech_end) == (0, 88)


def test_pre_roll_never_reaches_into_the_utterance_before() -> None:
    hangover = windows(OPTIONS.hangover_s)
    first, second = run([0.9] * 60 + [0.0] * hangover + [0.9] * 60 + [0.0] * 40)
    assert second.start >= first.end


def test_a_long_speech_is_cut_at_its_quietest_recent_moment() -> None:
    longest = windows(OPTIONS.longest_s)
    quiet = longest - 40
    speech = [0.9] * longest * 2
    speech[quiet] = 0.4
    first, second = run(speech)[:2]
    assert first.forced
    assert first.end == quiet + 1
    assert second.start == first.end


def test_a_long_speech_is_cut_where_its_last_certain_word_ends_if_that_is_recent() -> None:
    longest = windows(OPTIONS.longest_s)
    for certain, cut in ((longest - 50, longest - 51), (longest - 200, longest - 20), (0, longest - 20)):
        segmenter = Segmenter(OPTIONS)
        speech = [0.9] * longest
        speech[longest - 20] = 0.4
        speech[longest - 51] = 0.6
        first = None
        for window, probability in enumerate(speech):
            first = first or segmenter.push(probability)
            if certain and window == certain:
                segmenter.settle_until(certain)
        assert first is not None
        assert first.forced
        assert first.end == cut + 1
        rest = segmenter.current
        assert rest is not None
        assert rest.start == first.end


def test_nothing_is_lost_or_heard_twice_across_forced_cuts() -> None:
    segments = run([0.9] * windows(OPTIONS.longest_s) * 4)
    assert segments[0].start == 0
    for before, after in itertools.pairwise(segments):
        assert after.start == before.end


def test_flush_ends_the_running_utterance() -> None:
    segmenter = Segmenter(OPTIONS)
    for _ in range(30):
        segmenter.push(0.9)
    segment = segmenter.flush()
    assert segment is not None
    assert segment.speech_end == 30
    assert segmenter.current is None
    assert segmenter.flush() is None


def test_higher_sensitivity_hears_fainter_voices() -> None:
    faint = [0.4] * 60 + [0.0] * 40
    assert run(faint, SegmenterOptions.for_sensitivity(0.5)) == []
    assert len(run(faint, SegmenterOptions.for_sensitivity(0.9))) == 1


@given(st.lists(st.floats(0, 1), max_size=1200))
def test_utterances_are_in_order_bounded_and_never_overlap(probabilities: list[float]) -> None:
    end = 0
    for segment in run(probabilities):
        assert end <= segment.start <= segment.speech_start < segment.speech_end <= segment.end
        assert segment.end - segment.start <= windows(OPTIONS.longest_s)
        end = segment.end


@given(st.lists(st.floats(0, 1), max_size=600))
def test_what_may_be_asked_for_later_is_never_forgotten(probabilities: list[float]) -> None:
    segmenter = Segmenter(OPTIONS)
    oldest = 0
    for probability in probabilities:
        segment = segmenter.push(probability)
        if segment is not None:
            assert segment.start >= oldest
        oldest = segmenter.oldest_needed
        if segmenter.current is not None:
            assert segmenter.current.start >= oldest
