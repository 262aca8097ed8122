CREATE TABLE runs (
    id {id} PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    notes TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE TABLE responses (
    key {id} PRIMARY KEY,
    run_id {reference} NOT NULL REFERENCES runs (id),
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    question TEXT NOT NULL,
    question_key TEXT NOT NULL,
    answer TEXT NOT NULL,
    explanation TEXT NOT NULL,
    prompt_kind TEXT NOT NULL,
    model TEXT NOT NULL,
    steps TEXT NOT NULL,
    gold_answer TEXT,
    sample BIGINT NOT NULL,
    UNIQUE (run_id, id),
    UNIQUE (run_id, position)
);
CREATE INDEX responses_by_question ON responses (question_key);
CREATE TABLE schemas (
    version TEXT NOT NULL PRIMARY KEY,
    json TEXT NOT NULL
);
CREATE TABLE run_settings (
    id {id} PRIMARY KEY,
    run_id {reference} NOT NULL REFERENCES runs (id),
    schema_version TEXT NOT NULL REFERENCES schemas (version),
    at TEXT NOT NULL
);
CREATE INDEX settings_by_run ON run_settings (run_id, id);
CREATE TABLE label_events (
    id {id} PRIMARY KEY {autoincrement},
    run_id {reference} NOT NULL REFERENCES runs (id),
    response_key {reference} NOT NULL REFERENCES responses (key),
    annotator TEXT NOT NULL,
    field TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    schema_version TEXT NOT NULL REFERENCES schemas (version),
    refers {reference} REFERENCES label_events (id),
    client_id TEXT,
    parent TEXT
);
CREATE INDEX events_by_run ON label_events (run_id, id);
CREATE INDEX events_by_response ON label_events (response_key, id);
CREATE INDEX events_by_annotator ON label_events (run_id, annotator, id);
CREATE INDEX events_by_parent ON label_events (run_id, annotator, parent, id);
CREATE UNIQUE INDEX events_once ON label_events (run_id, annotator, client_id, field);
