-- What utterances name, in each edition of the transcript; what was asked is put again when it is answered.
CREATE TABLE entities (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    edition text NOT NULL CHECK (edition IN ('live', 'final')),
    id text NOT NULL,
    found bigint GENERATED ALWAYS AS IDENTITY,
    utterance_id text NOT NULL,
    category text NOT NULL,
    text text NOT NULL,
    start integer NOT NULL,
    "end" integer NOT NULL,
    normal text NOT NULL,
    name text NOT NULL,
    assertion text NOT NULL,
    confidence double precision NOT NULL,
    approximate boolean NOT NULL,
    value double precision,
    unit text NOT NULL,
    relations jsonb NOT NULL,
    answer_id text NOT NULL,
    PRIMARY KEY (consultation_id, edition, id)
);
