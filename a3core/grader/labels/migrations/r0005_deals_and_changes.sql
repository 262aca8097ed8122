ALTER TABLE run_settings ADD COLUMN deal TEXT;
CREATE TABLE run_changes (
    id {id} PRIMARY KEY {autoincrement},
    key TEXT NOT NULL UNIQUE,
    run_key TEXT NOT NULL,
    run_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    value TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX changes_by_run ON run_changes (run_id);
CREATE INDEX events_by_reference ON label_events (refers);
