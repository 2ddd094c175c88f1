CREATE TABLE agents (
    id text PRIMARY KEY,
    name text NOT NULL,
    chat_model text,
    speech_provider text,
    language text NOT NULL CHECK (language IN ('pt', 'en', 'auto')),
    sensitivity double precision NOT NULL CHECK (sensitivity BETWEEN 0 AND 1),
    prompt text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO agents (id, name, language, sensitivity, prompt) VALUES ('default', 'Escuta', 'pt', 0.5, '');

CREATE TABLE consultations (
    id text PRIMARY KEY,
    title text NOT NULL,
    language text NOT NULL CHECK (language IN ('pt', 'en', 'auto')),
    agent_id text NOT NULL REFERENCES agents (id),
    status text NOT NULL CHECK (status IN ('scheduled', 'live', 'ended')),
    created_at timestamptz NOT NULL,
    opened_at timestamptz,
    ended_at timestamptz,
    end_reason text
);

CREATE INDEX consultations_newest ON consultations (created_at DESC, id DESC);
CREATE INDEX consultations_live ON consultations (created_at) WHERE status = 'live';

-- Times ending in _s are seconds on the room clock. present_s sums the closed stretches of presence;
-- present_since_s is the beginning of the open one.
CREATE TABLE participants (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('clinician', 'patient')),
    identity text NOT NULL,
    name text NOT NULL,
    consent boolean,
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    seated_at_s double precision NOT NULL,
    present_s double precision NOT NULL DEFAULT 0,
    present_since_s double precision,
    PRIMARY KEY (consultation_id, role, identity)
);

CREATE TABLE utterances (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    id text NOT NULL,
    role text NOT NULL CHECK (role IN ('clinician', 'patient')),
    start_s double precision NOT NULL,
    end_s double precision NOT NULL,
    text text NOT NULL,
    words jsonb NOT NULL,
    language text NOT NULL,
    provider text NOT NULL,
    PRIMARY KEY (consultation_id, id)
);

CREATE TABLE chat_messages (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('clinician', 'patient')),
    message_id text NOT NULL,
    name text NOT NULL,
    at_s double precision NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (consultation_id, role, message_id)
);

CREATE TABLE tips (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    id text NOT NULL,
    at_s double precision NOT NULL,
    kind text NOT NULL CHECK (kind IN ('tip', 'action', 'answer')),
    audience text NOT NULL CHECK (audience IN ('clinician', 'patient', 'all')),
    text text NOT NULL,
    urgent boolean NOT NULL,
    subject text NOT NULL,
    evidence jsonb NOT NULL,
    model text NOT NULL,
    latency_s double precision NOT NULL,
    mark text CHECK (mark IN ('useful', 'dismissed', 'done')),
    marked_by text,
    marked_at_s double precision,
    PRIMARY KEY (consultation_id, id)
);

CREATE TABLE recordings (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('clinician', 'patient')),
    format text NOT NULL CHECK (format IN ('ogg', 'wav')),
    start_s double precision NOT NULL,
    duration_s double precision NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (consultation_id, name)
);

-- Never holds what was said, typed or advised.
CREATE TABLE activity (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    at timestamptz NOT NULL,
    at_s double precision NOT NULL,
    kind text NOT NULL,
    role text,
    detail jsonb NOT NULL
);

CREATE INDEX activity_of_consultation ON activity (consultation_id, id);

-- How far each spool of waiting writes has been applied; moves in the same transaction as what it applies.
CREATE TABLE spool_positions (
    spool_id uuid PRIMARY KEY,
    position bigint NOT NULL
);
