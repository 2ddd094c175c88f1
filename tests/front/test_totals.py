"""The metrics of several workers read as those of one server."""

from server.front.totals import Told, Totals
from server.web.metrics import Metrics


def worker(*, calls: int = 0, sockets: int = 0, state: int = 0, seconds: tuple[float, ...] = ()) -> str:
    metrics = Metrics()
    if calls:
        metrics.counter("calls_total", "Calls.").inc(calls, kind='a "b" c')
    metrics.gauge("sockets", "Sockets.").set(sockets)
    metrics.gauge("escuta_speech_state", "State.").set(state)
    for value in seconds:
        metrics.histogram("seconds", "Time.", (0.1, 1.0)).observe(value)
    return metrics.exposition()


def test_counters_histograms_and_gauges_are_summed_and_what_is_shared_is_not() -> None:
    told = [
        Told(0, 1, worker(calls=2, sockets=3, state=3, seconds=(0.05, 5.0))),
        Told(1, 1, worker(calls=5, sockets=4, state=0, seconds=(0.5,))),
    ]
    assert Totals().exposition(told) == (
        '# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{kind="a \\"b\\" c"} 7\n'
        "# HELP sockets Sockets.\n# TYPE sockets gauge\nsockets 7\n"
        "# HELP escuta_speech_state State.\n# TYPE escuta_speech_state gauge\nescuta_speech_state 3\n"
        "# HELP seconds Time.\n# TYPE seconds histogram\n"
        'seconds_bucket{le="0.1"} 1\nseconds_bucket{le="1"} 2\nseconds_bucket{le="+Inf"} 3\n'
        "seconds_sum 5.55\nseconds_count 3\n"
    )


def test_one_worker_alone_reads_as_it_wrote() -> None:
    text = worker(calls=2, sockets=3, seconds=(0.05, float("inf")))
    assert Totals().exposition([Told(0, 1, text)]) == text


def test_counters_do_not_fall_when_a_worker_is_away_or_begins_anew() -> None:
    totals = Totals()

    def calls(*told: Told) -> list[str]:
        return [line for line in totals.exposition(told).splitlines() if line.startswith("calls_total")]

    first = Told(0, 1, worker(calls=2, sockets=1))
    assert calls(first, Told(1, 1, worker(calls=5))) == ['calls_total{kind="a \\"b\\" c"} 7']
    assert calls(first) == ['calls_total{kind="a \\"b\\" c"} 7']
    assert calls() == ['calls_total{kind="a \\"b\\" c"} 7']
    assert calls(first, Told(1, 2, worker())) == ['calls_total{kind="a \\"b\\" c"} 7']
    assert calls(first, Told(1, 2, worker(calls=1))) == ['calls_total{kind="a \\"b\\" c"} 8']
    assert calls(first, Told(1, 3, worker(calls=1))) == ['calls_total{kind="a \\"b\\" c"} 9']
    assert "sockets 1\n" in totals.exposition([first])
