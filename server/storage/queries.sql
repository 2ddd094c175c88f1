-- Every statement the store sends, by name. Parameters are named; `cid` is the consultation's id.

-- Reading

-- name: consultation
SELECT id, title, language, agent_id, status, created_at, opened_at, ended_at, end_reason
FROM consultations WHERE id = %(cid)s;

-- name: consultations
SELECT id, title, language, agent_id, status, created_at, opened_at, ended_at, end_reason
FROM consultations
WHERE %(before)s::timestamptz IS NULL OR created_at < %(before)s
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s;

-- name: live_consultations
SELECT id, title, language, agent_id, status, created_at, opened_at, ended_at, end_reason
FROM consultations WHERE status = 'live' ORDER BY created_at, id;

-- name: agents
SELECT id, name, chat_model, speech_provider, language, sensitivity, prompt,
    report_template, suggests, to_patient, max_calls, max_tokens, sources, shares_names
FROM agents ORDER BY id;

-- name: agent
SELECT id, name, chat_model, speech_provider, language, sensitivity, prompt,
    report_template, suggests, to_patient, max_calls, max_tokens, sources, shares_names
FROM agents WHERE id = %(id)s;

-- name: participants
SELECT role, identity, name, consent, joined_at, left_at, present_s
FROM participants WHERE consultation_id = %(cid)s ORDER BY joined_at, role;

-- name: utterances
SELECT id, role, start_s, end_s, text, words, language, provider
FROM utterances WHERE consultation_id = %(cid)s AND edition = %(edition)s ORDER BY start_s, end_s, id;

-- name: second_pass
SELECT state FROM second_passes WHERE consultation_id = %(cid)s;

-- name: waiting_second_passes
SELECT consultation_id FROM second_passes WHERE state = 'waiting' ORDER BY failures, queued_at, consultation_id;

-- name: failed_second_passes
SELECT consultation_id FROM second_passes WHERE state = 'failed';

-- name: chat_messages
SELECT at_s, message_id, role, name, text
FROM chat_messages WHERE consultation_id = %(cid)s ORDER BY at_s, role, message_id;

-- name: tips
SELECT id, kind, audience, text, urgent, subject, evidence, model, latency_s, question_id, question, at_s, mark,
    released_at_s
FROM tips WHERE consultation_id = %(cid)s ORDER BY at_s, id;

-- name: context
SELECT context FROM consultation_contexts WHERE consultation_id = %(cid)s;

-- name: interactions
SELECT id, at_s, purpose, generator, model, prompt_version, prompt_tokens, completion_tokens, estimated, latency_s,
    outcome, detail, heard, sources, discarded, tip_ids
FROM interactions WHERE consultation_id = %(cid)s ORDER BY at_s, id;

-- name: entities
SELECT id, utterance_id, category, text, start, "end", normal, name, assertion, confidence, approximate, value, unit,
    relations, answer_id
FROM entities WHERE consultation_id = %(cid)s AND edition = %(edition)s ORDER BY found;

-- name: without_recordings
SELECT id FROM consultations AS c
WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM recordings WHERE consultation_id = c.id);

-- name: recordings
SELECT name, role, format, start_s, duration_s, size_bytes, sha256
FROM recordings WHERE consultation_id = %(cid)s ORDER BY name;

-- name: activity
SELECT at, at_s, kind, role, detail FROM activity WHERE consultation_id = %(cid)s ORDER BY id;

-- Reports: versions that are only ever added, and sealed by a signature

-- name: report_versions
SELECT version, template, title, edition, status, created_at, author, model, signature ->> 'name' AS signed_by,
    jsonb_array_length(jsonb_path_query_array(sections, '$[*].statements[*]')) AS statements,
    jsonb_array_length(jsonb_path_query_array(sections, '$[*].statements[*] ? (@.support == "unsupported")')) AS unsupported
FROM reports WHERE consultation_id = %(cid)s ORDER BY version;

-- name: report
SELECT consultation_id, version, template, language, edition, title, sections, status, created_at, author, model, signature
FROM reports WHERE consultation_id = %(cid)s AND (%(version)s::integer IS NULL OR version = %(version)s)
ORDER BY version DESC LIMIT 1;

-- name: lock_reports
SELECT id FROM consultations WHERE id = %(cid)s FOR UPDATE;

-- name: add_report
INSERT INTO reports (consultation_id, version, template, language, edition, title, sections, status, created_at, author, model)
VALUES (%(consultation_id)s, %(version)s, %(template)s, %(language)s, %(edition)s, %(title)s, %(sections)s, 'draft',
        %(created_at)s, %(author)s, %(model)s);

-- name: sign_report
UPDATE reports SET status = 'signed', signature = %(signature)s
WHERE consultation_id = %(cid)s AND version = %(version)s AND status = 'draft';

-- Writing at once

-- name: create_consultation
INSERT INTO consultations (id, title, language, agent_id, status, created_at, opened_at, ended_at, end_reason)
VALUES (%(id)s, %(title)s, %(language)s, %(agent_id)s, %(status)s, %(created_at)s, %(opened_at)s, %(ended_at)s,
        %(end_reason)s)
ON CONFLICT (id) DO NOTHING;

-- name: save_agent
INSERT INTO agents (id, name, chat_model, speech_provider, language, sensitivity, prompt, report_template,
    suggests, to_patient, max_calls, max_tokens, sources, shares_names)
VALUES (%(id)s, %(name)s, %(chat_model)s, %(speech_provider)s, %(language)s, %(sensitivity)s, %(prompt)s,
        %(report_template)s, %(suggests)s, %(to_patient)s, %(max_calls)s, %(max_tokens)s, %(sources)s, %(shares_names)s)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, chat_model = excluded.chat_model, speech_provider = excluded.speech_provider,
    language = excluded.language, sensitivity = excluded.sensitivity, prompt = excluded.prompt,
    report_template = excluded.report_template, suggests = excluded.suggests, to_patient = excluded.to_patient,
    max_calls = excluded.max_calls, max_tokens = excluded.max_tokens, sources = excluded.sources, shares_names = excluded.shares_names,
    updated_at = now();

-- name: save_context
INSERT INTO consultation_contexts (consultation_id, context) VALUES (%(cid)s, %(context)s)
ON CONFLICT (consultation_id) DO UPDATE SET context = excluded.context, updated_at = now();

-- The second pass: a job that waits here until its transcript is kept

-- name: note_second_pass_failure
UPDATE second_passes SET failures = failures + 1, settled_at = CASE WHEN failures + 1 >= %(most)s THEN now() END,
    state = CASE WHEN failures + 1 >= %(most)s THEN 'failed' ELSE state END
WHERE consultation_id = %(cid)s AND state = 'waiting';

-- name: give_up_second_pass
UPDATE second_passes SET failures = failures + 1, settled_at = now(), state = 'failed'
WHERE consultation_id = %(cid)s AND state = 'waiting';

-- name: lock_second_pass
SELECT state FROM second_passes WHERE consultation_id = %(cid)s AND state = 'waiting' FOR UPDATE;

-- name: add_final_utterance
INSERT INTO utterances (consultation_id, edition, id, role, start_s, end_s, text, words, language, provider)
VALUES (%(cid)s, 'final', %(id)s, %(role)s, %(start_s)s, %(end_s)s, %(text)s, %(words)s, %(language)s, %(provider)s);

-- name: settle_second_pass
UPDATE second_passes SET state = %(state)s, settled_at = now() WHERE consultation_id = %(cid)s;

-- Effects of events

-- name: open_consultation
UPDATE consultations SET status = 'live', opened_at = COALESCE(opened_at, %(opened_at)s)
WHERE id = %(cid)s AND status <> 'ended';

-- name: end_consultation
UPDATE consultations SET status = 'ended', ended_at = %(at)s, end_reason = %(reason)s
WHERE id = %(cid)s AND status <> 'ended';

-- name: seat_participant
INSERT INTO participants (consultation_id, role, identity, name, joined_at, seated_at_s, present_since_s)
VALUES (%(cid)s, %(role)s, %(identity)s, %(name)s, %(at)s, %(at_s)s, %(at_s)s)
ON CONFLICT (consultation_id, role, identity) DO UPDATE SET
    name = excluded.name, left_at = NULL, seated_at_s = excluded.seated_at_s,
    present_since_s = COALESCE(participants.present_since_s, excluded.present_since_s);

-- name: count_presence
UPDATE participants
SET present_s = present_s + GREATEST(0, %(at_s)s - present_since_s), present_since_s = NULL
WHERE consultation_id = %(cid)s AND (%(role)s::text IS NULL OR role = %(role)s) AND present_since_s IS NOT NULL;

-- After a crash: whoever sat there was present until the last thing known to have happened. Without a consultation: all.
-- name: end_stale_presence
UPDATE participants
SET present_s = present_s + GREATEST(0, last.at_s - present_since_s), present_since_s = NULL
FROM (
    SELECT consultation_id, max(at_s) AS at_s
    FROM (SELECT consultation_id, at_s FROM activity UNION ALL SELECT consultation_id, end_s FROM utterances) AS known
    WHERE consultation_id IN (SELECT consultation_id FROM participants WHERE present_since_s IS NOT NULL)
    GROUP BY consultation_id
) AS last
WHERE participants.consultation_id = last.consultation_id AND present_since_s IS NOT NULL
    AND (%(cid)s::text = '' OR last.consultation_id = %(cid)s::text);

-- name: resume_presence
UPDATE participants SET present_since_s = %(at_s)s
WHERE consultation_id = %(cid)s AND role = %(role)s AND left_at IS NULL AND present_since_s IS NULL;

-- name: unseat_participants
UPDATE participants SET left_at = %(at)s
WHERE consultation_id = %(cid)s AND (%(role)s::text IS NULL OR role = %(role)s) AND left_at IS NULL;

-- name: set_consent
UPDATE participants SET consent = %(granted)s
WHERE consultation_id = %(cid)s AND role = %(role)s AND seated_at_s = (
    SELECT max(seated_at_s) FROM participants WHERE consultation_id = %(cid)s AND role = %(role)s);

-- name: add_utterance
INSERT INTO utterances (consultation_id, id, role, start_s, end_s, text, words, language, provider)
VALUES (%(cid)s, %(id)s, %(role)s, %(start_s)s, %(end_s)s, %(text)s, %(words)s, %(language)s, %(provider)s)
ON CONFLICT DO NOTHING;

-- An answer puts what was asked again: the last one wins.
-- name: put_entity
INSERT INTO entities (consultation_id, edition, id, utterance_id, category, text, start, "end", normal, name, assertion,
    confidence, approximate, value, unit, relations, answer_id)
VALUES (%(cid)s, %(edition)s, %(id)s, %(utterance_id)s, %(category)s, %(text)s, %(start)s, %(end)s, %(normal)s, %(name)s,
    %(assertion)s, %(confidence)s, %(approximate)s, %(value)s, %(unit)s, %(relations)s, %(answer_id)s)
ON CONFLICT (consultation_id, edition, id) DO UPDATE SET
    normal = excluded.normal, name = excluded.name, assertion = excluded.assertion, confidence = excluded.confidence,
    approximate = excluded.approximate, value = excluded.value, unit = excluded.unit, relations = excluded.relations,
    answer_id = excluded.answer_id;

-- name: add_chat_message
INSERT INTO chat_messages (consultation_id, role, message_id, name, at_s, text)
VALUES (%(cid)s, %(role)s, %(message_id)s, %(name)s, %(at_s)s, %(text)s)
ON CONFLICT DO NOTHING;

-- name: add_tip
INSERT INTO tips (consultation_id, id, at_s, kind, audience, text, urgent, subject, evidence, model, latency_s,
    question_id, question)
VALUES (%(cid)s, %(id)s, %(at_s)s, %(kind)s, %(audience)s, %(text)s, %(urgent)s, %(subject)s, %(evidence)s, %(model)s,
        %(latency_s)s, %(question_id)s, %(question)s)
ON CONFLICT DO NOTHING;

-- name: release_tip
UPDATE tips SET audience = %(audience)s, released_at_s = %(at_s)s
WHERE consultation_id = %(cid)s AND id = %(id)s AND released_at_s IS NULL;

-- name: add_interaction
INSERT INTO interactions (consultation_id, id, at, at_s, purpose, generator, model, prompt_version, prompt_tokens,
    completion_tokens, estimated, latency_s, outcome, detail, heard, sources, discarded, tip_ids)
VALUES (%(cid)s, %(id)s, %(at)s, %(at_s)s, %(purpose)s, %(generator)s, %(model)s, %(prompt_version)s,
        %(prompt_tokens)s, %(completion_tokens)s, %(estimated)s, %(latency_s)s, %(outcome)s, %(detail)s, %(heard)s,
        %(sources)s, %(discarded)s, %(tip_ids)s)
ON CONFLICT DO NOTHING;

-- name: mark_tip
UPDATE tips SET mark = %(mark)s, marked_by = %(role)s, marked_at_s = %(at_s)s
WHERE consultation_id = %(cid)s AND id = %(tip_id)s;

-- name: add_recording
INSERT INTO recordings (consultation_id, name, role, format, start_s, duration_s, size_bytes, sha256)
VALUES (%(cid)s, %(name)s, %(role)s, %(format)s, %(start_s)s, %(duration_s)s, %(size_bytes)s, %(sha256)s)
ON CONFLICT (consultation_id, name) DO UPDATE SET
    role = excluded.role, format = excluded.format, start_s = excluded.start_s, duration_s = excluded.duration_s,
    size_bytes = excluded.size_bytes, sha256 = excluded.sha256;

-- name: queue_second_pass
INSERT INTO second_passes (consultation_id, queued_at) VALUES (%(cid)s, %(at)s) ON CONFLICT DO NOTHING;

-- name: log_activity
INSERT INTO activity (consultation_id, at, at_s, kind, role, detail)
VALUES (%(cid)s, %(at)s, %(at_s)s, %(kind)s, %(role)s, %(detail)s);

-- name: log_leaving
INSERT INTO activity (consultation_id, at, at_s, kind, role, detail)
SELECT %(cid)s, %(at)s, %(at_s)s, %(kind)s, %(role)s, %(detail)s || COALESCE(
    (SELECT jsonb_build_object('name', name, 'present_s', round(present_s::numeric, 1))
     FROM participants WHERE consultation_id = %(cid)s AND role = %(role)s ORDER BY seated_at_s DESC LIMIT 1),
    '{}'::jsonb);

-- The spool's position

-- name: register_spool
INSERT INTO spool_positions (spool_id, position) VALUES (%(spool_id)s, 0) ON CONFLICT DO NOTHING;

-- name: lock_position
SELECT position FROM spool_positions WHERE spool_id = %(spool_id)s FOR UPDATE;

-- name: move_position
UPDATE spool_positions SET position = %(position)s WHERE spool_id = %(spool_id)s;

-- The migrations' own table

-- name: lock_migrations
SELECT pg_advisory_xact_lock(7235419001);

-- name: create_migrations
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: applied_migrations
SELECT version, name, checksum FROM schema_migrations ORDER BY version;

-- name: note_migration
INSERT INTO schema_migrations (version, name, checksum) VALUES (%(version)s, %(name)s, %(checksum)s);

-- One server for a database

-- A server whose machine died is forgotten within half a minute: keepalives, where the connection is TCP.
-- name: limit_holding
SELECT set_config('lock_timeout', %(wait)s, false), set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false);

-- name: hold_database
SELECT pg_advisory_lock(7235419002);

-- name: still_there
SELECT 1;
