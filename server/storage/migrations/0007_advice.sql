-- What an agent may suggest, to whom, at what cost, and what it may look at.
ALTER TABLE agents
    ADD COLUMN suggests text[] NOT NULL
        DEFAULT ARRAY['tip', 'red_flag', 'question', 'action', 'answer', 'explanation'],
    ADD COLUMN to_patient text NOT NULL DEFAULT 'released' CHECK (to_patient IN ('nothing', 'released')),
    ADD COLUMN max_calls integer NOT NULL DEFAULT 300 CHECK (max_calls >= 0),
    ADD COLUMN max_tokens integer NOT NULL DEFAULT 1000000 CHECK (max_tokens >= 0),
    ADD COLUMN sources text[] NOT NULL DEFAULT '{}',
    ADD COLUMN shares_names boolean NOT NULL DEFAULT false;

ALTER TABLE tips
    DROP CONSTRAINT tips_kind_check,
    ADD CONSTRAINT tips_kind_check
        CHECK (kind IN ('tip', 'red_flag', 'question', 'action', 'answer', 'explanation')),
    ADD COLUMN question_id text NOT NULL DEFAULT '',
    ADD COLUMN question text NOT NULL DEFAULT '',
    ADD COLUMN released_at_s double precision;

-- What the clinician's side told the agent beforehand. Not part of the consultation, which its patient may read.
CREATE TABLE consultation_contexts (
    consultation_id text PRIMARY KEY REFERENCES consultations (id) ON DELETE CASCADE,
    context text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Each time that advice was asked for, of rules or of a model. What was given is in tips.
CREATE TABLE interactions (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    id text NOT NULL,
    at timestamptz NOT NULL,
    at_s double precision NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('tips', 'answer')),
    generator text NOT NULL,
    model text NOT NULL,
    prompt_version text NOT NULL,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    estimated boolean NOT NULL,
    latency_s double precision NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('answered', 'nothing', 'superseded', 'delayed', 'failed')),
    detail text NOT NULL,
    heard text[] NOT NULL,
    sources jsonb NOT NULL,
    discarded integer NOT NULL,
    tip_ids text[] NOT NULL,
    PRIMARY KEY (consultation_id, id)
);
