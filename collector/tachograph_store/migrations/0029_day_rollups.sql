-- Totals of whole days that are over: of each user, session, tenant and model (kind, segment), and of
-- the answers that evaluators may judge (kind 'answers', where `unscored` counts those without a score).
-- A row of kind 'whole' says whether a day may be read: rows of the version before its own are the day's.
-- Users' names lie here: forgetting and a change of retention delete a project's days.
CREATE TABLE IF NOT EXISTS day_rollups {on_cluster}
(
    project LowCardinality(String),
    kind LowCardinality(String),
    day Date,
    segment String CODEC(ZSTD(1)),
    requests UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    longest_prompt_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    list_cost Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    compute_cost Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    cost_currency LowCardinality(Nullable(String)),
    duration_ns UInt64 CODEC(T64, ZSTD(1)),
    max_duration_ns UInt64 CODEC(T64, ZSTD(1)),
    unscored UInt64 CODEC(T64, ZSTD(1)),
    is_valid UInt8,
    spans_expire_on Date,
    answers_expire_on Date,
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMM(day)
ORDER BY (project, kind, day, segment)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
