-- A recording without a role holds both voices.
ALTER TABLE recordings ALTER COLUMN role DROP NOT NULL;
