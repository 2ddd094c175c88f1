"""How long a silent address is sent to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.media.consent import CHECK_EVERY_S, EXPIRES_S, Consent

CHECK_TAKES_S = 3.5


@given(st.floats(0, 1e6), st.lists(st.booleans(), max_size=40))
def test_consent_ends_half_a_minute_after_the_last_answer_and_not_before(now_s, answers):
    consent, renewed_s = Consent(now_s), now_s
    for answered in answers:
        now_s += consent.wait_s()
        consent.checked(answered, now_s)
        renewed_s = now_s if answered else renewed_s
        assert consent.expired(now_s) == (now_s - renewed_s >= EXPIRES_S)


def test_a_silent_way_is_tried_at_least_five_times_before_it_is_given_up():
    consent, now_s, checks = Consent(0.0), 0.0, 0
    while not consent.expired(now_s):
        now_s += consent.wait_s() + CHECK_TAKES_S
        consent.checked(False, now_s)
        checks += 1
    assert checks >= 5
    assert now_s < EXPIRES_S + 2 * CHECK_EVERY_S
