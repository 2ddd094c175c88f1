"""The exposition is what Prometheus reads."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from server.insight.extraction import EntityFigures
from server.rooms.second_passes import Figures
from server.speech.model_figures import ModelFigures
from server.web.figures import watch_entities, watch_model, watch_second_passes
from server.web.metrics import Metrics


def test_counters_gauges_and_histograms_are_written_as_prometheus_text() -> None:
    metrics = Metrics()
    calls = metrics.counter("calls_total", "Calls.")
    calls.inc(kind="a")
    calls.inc(2, kind="a")
    calls.inc(kind='q"\\\n')
    metrics.gauge("live", "Live\nnow.", lambda: 2)
    metrics.gauge("free_mb", "Free.").set(0.5, disk="x")
    waits = metrics.histogram("wait_seconds", "Waits.", (0.1, 1))
    for value in (0.1, 0.5, 7):
        waits.observe(value)
    assert metrics.exposition() == (
        "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
        'calls_total{kind="a"} 3\ncalls_total{kind="q\\"\\\\\\n"} 1\n'
        "# HELP live Live\\nnow.\n# TYPE live gauge\nlive 2\n"
        '# HELP free_mb Free.\n# TYPE free_mb gauge\nfree_mb{disk="x"} 0.5\n'
        "# HELP wait_seconds Waits.\n# TYPE wait_seconds histogram\n"
        'wait_seconds_bucket{le="0.1"} 1\nwait_seconds_bucket{le="1"} 2\nwait_seconds_bucket{le="+Inf"} 3\n'
        "wait_seconds_sum 7.6\nwait_seconds_count 3\n"
    )


def test_a_name_is_one_metric() -> None:
    metrics = Metrics()
    assert metrics.counter("x", "X.") is metrics.counter("x", "X.")
    with pytest.raises(ValueError, match="counter already"):
        metrics.gauge("x", "X.")


def test_a_counter_never_falls() -> None:
    counter = Metrics().counter("x", "X.")
    counter.inc(5)
    counter.inc(-3)
    assert counter.value() == 5


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (1e300, "1e+300")]
)
def test_numbers_without_an_ordinary_form_have_theirs(value: float, text: str) -> None:
    metrics = Metrics()
    metrics.gauge("x", "X.").set(value)
    assert metrics.exposition().endswith(f"x {text}\n")


def test_collectors_bring_metrics_up_to_date() -> None:
    metrics = Metrics()
    gauge = metrics.gauge("x", "X.")
    metrics.before_exposition(lambda: gauge.set(3))
    assert "x 3\n" in metrics.exposition()


def test_the_queue_of_the_speech_model_is_told() -> None:
    figures = ModelFigures()
    figures.note_batch([0.02, 0.3])
    figures.note_batch([7.0])
    figures.dropped, figures.broken_batches = 4, 1
    metrics = Metrics()
    watch_model(metrics, SimpleNamespace(model_figures=figures))
    told = metrics.exposition()
    assert 'escuta_speech_wait_seconds_bucket{le="0.5"} 2\n' in told
    assert "escuta_speech_wait_seconds_sum 7.32\n" in told
    assert 'escuta_speech_batch_size_bucket{le="1"} 1\nescuta_speech_batch_size_bucket{le="2"} 2\n' in told
    assert "escuta_speech_batch_size_sum 3\n" in told
    assert "escuta_speech_interims_dropped 4\n" in told
    assert "escuta_speech_batches_broken 1\n" in told


def test_second_passes_are_told_by_state_and_how_fast_they_read() -> None:
    metrics, figures = Metrics(), Figures(waiting=2, running=1, failed=3)
    watch_second_passes(metrics, figures)
    metrics.exposition()
    figures.failures, figures.sound_s, figures.reading_s = 1, 120.0, 30.0
    told = metrics.exposition()
    for line in (
        'escuta_second_passes{state="waiting"} 2',
        'escuta_second_passes{state="running"} 1',
        'escuta_second_passes{state="failed"} 3',
        "escuta_second_pass_failures_total 1",
        "escuta_second_pass_sound_seconds_total 120",
        "escuta_second_pass_reading_seconds_total 30",
    ):
        assert f"{line}\n" in told


def test_entities_are_told_with_their_latency_and_what_was_discarded() -> None:
    metrics, figures = Metrics(), EntityFigures()
    watch_entities(metrics, figures)
    figures.read(0.0008)
    figures.read(60.0)
    figures.found, figures.failed = 5, 1
    figures.discarded["no_such_words"] = 2
    for _ in range(2):
        told = metrics.exposition()
        for line in (
            'escuta_entities_seconds_bucket{le="0.001"} 1',
            'escuta_entities_seconds_bucket{le="20"} 1',
            'escuta_entities_seconds_bucket{le="+Inf"} 2',
            "escuta_entities_seconds_sum 60.0008",
            "escuta_entities_found_total 5",
            "escuta_entities_failures_total 1",
            'escuta_entities_discarded_total{reason="no_such_words"} 2',
        ):
            assert f"{line}\n" in told
