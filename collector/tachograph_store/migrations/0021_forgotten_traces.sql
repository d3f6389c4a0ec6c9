-- The traces of forgotten users: what is deleted, and what is not taken when it comes later.
CREATE TABLE IF NOT EXISTS forgotten_traces {on_cluster}
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    request_id String,
    since DateTime('UTC'),
    until DateTime('UTC'),
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
ORDER BY (project, trace_id, request_id)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
