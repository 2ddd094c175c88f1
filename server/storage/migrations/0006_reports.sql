-- Which template an agent's reports are drafted by: a file's name in server/insight/templates.
ALTER TABLE agents ADD COLUMN report_template text NOT NULL DEFAULT 'soap';

-- Every version of a consultation's report. A version's contents never change; signing seals it for good.
CREATE TABLE reports (
    consultation_id text NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    version integer NOT NULL CHECK (version >= 1),
    template text NOT NULL,
    language text NOT NULL CHECK (language IN ('pt', 'en', 'auto')),
    edition text NOT NULL CHECK (edition IN ('live', 'final')),
    title text NOT NULL,
    sections jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'signed')),
    created_at timestamptz NOT NULL,
    author text NOT NULL,
    model text NOT NULL,
    signature jsonb,
    CHECK ((status = 'signed') = (signature IS NOT NULL)),
    PRIMARY KEY (consultation_id, version)
);

CREATE FUNCTION keep_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.signature IS NOT NULL
        OR to_jsonb(NEW) - 'status' - 'signature' IS DISTINCT FROM to_jsonb(OLD) - 'status' - 'signature' THEN
        RAISE EXCEPTION 'a version of a report is never changed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER reports_are_kept BEFORE UPDATE ON reports FOR EACH ROW EXECUTE FUNCTION keep_report();
