-- What was heard during the call (live), and what a second pass over its recording heard (final).
ALTER TABLE utterances ADD COLUMN edition text NOT NULL DEFAULT 'live' CHECK (edition IN ('live', 'final'));
ALTER TABLE utterances DROP CONSTRAINT utterances_pkey, ADD PRIMARY KEY (consultation_id, edition, id);

-- The second pass over each recording that was finished: to be done, done, or given up.
CREATE TABLE second_passes (
    consultation_id text PRIMARY KEY REFERENCES consultations (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    failures integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL,
    settled_at timestamptz
);

CREATE INDEX second_passes_waiting ON second_passes (queued_at) WHERE state = 'waiting';
