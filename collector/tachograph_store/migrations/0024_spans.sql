-- A list reads some twenty columns of fifty places: granules of 2,048 rows in compressed blocks of
-- 16 kB cost half the time of 8,192 rows in 64 kB, and two bytes a span (measured, decision 12).
CREATE TABLE IF NOT EXISTS spans {on_cluster} AS spans_coarse
ENGINE = {replacing}(version)
PARTITION BY toYYYYMMDD(start_time)
ORDER BY (project, toStartOfMinute(start_time), trace_id, span_id)
TTL expires_on + INTERVAL 7 DAY DELETE WHERE toUInt16(expires_on) > 10957
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000,
    min_age_to_force_merge_seconds = 900,
    min_age_to_force_merge_on_partition_only = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1,
    min_bytes_for_wide_part = 67108864,
    index_granularity = 2048,
    min_compress_block_size = 16384
