ALTER TABLE runs ADD COLUMN key TEXT;
ALTER TABLE runs ADD COLUMN owner TEXT DEFAULT '' NOT NULL;
-- NULL: the one of its birth
ALTER TABLE run_settings ADD COLUMN name TEXT;
ALTER TABLE run_settings ADD COLUMN removed BOOLEAN DEFAULT {false} NOT NULL;
ALTER TABLE run_settings ADD COLUMN by TEXT DEFAULT '' NOT NULL;
ALTER TABLE label_events ADD COLUMN sequence BIGINT DEFAULT '0' NOT NULL;
ALTER TABLE label_events ADD COLUMN follows TEXT;
CREATE UNIQUE INDEX run_keys ON runs (key);
CREATE INDEX events_by_sequence ON label_events (run_id, annotator, sequence);
CREATE INDEX decisions_by_sequence ON label_events (run_id, sequence) WHERE kind = 'adjudication';
CREATE INDEX events_that_follow ON label_events (run_id, response_key) WHERE follows IS NOT NULL;
