-- Whom a project forgot: never the name, only a salted hash by which rows that arrive later are known.
CREATE TABLE IF NOT EXISTS forget_requests {on_cluster}
(
    project LowCardinality(String),
    request_id String,
    kind LowCardinality(String),
    salt String,
    subject_hash String,
    state LowCardinality(String),
    requested_at DateTime64(6, 'UTC'),
    finished_at Nullable(DateTime64(6, 'UTC')),
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
ORDER BY (project, request_id)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
