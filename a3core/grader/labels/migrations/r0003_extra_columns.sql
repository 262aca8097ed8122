CREATE TABLE extra_columns (
    response_key BIGINT NOT NULL PRIMARY KEY REFERENCES responses (key),
    json TEXT NOT NULL
);
