-- A final transcript may be of a part of the call alone: captions go on where recording had to stop.
ALTER TABLE second_passes DROP CONSTRAINT second_passes_state_check,
    ADD CONSTRAINT second_passes_state_check CHECK (state IN ('waiting', 'done', 'partial', 'failed'));

CREATE INDEX second_passes_failed ON second_passes (consultation_id) WHERE state = 'failed';
