-- Rows of the table of rollups for some minutes ({period_s} 60) or hours (3600): what was computed of
-- them, by rollup_minutes or rollup_hours, and a deleted row for each that is there now. The job
-- inserts both in one block, where a group that goes on wins by its higher version. The columns stand
-- in the table's order.
WITH
    (
        -- above what these periods have, whatever the clocks say
        SELECT greatest(toUInt64(toUnixTimestamp64Nano(now64(9))), max(version) + 1)
        FROM rollups
        WHERE project = {project:String}
          AND period_s = {period_s:UInt16}
          AND grouping = 'all'
          AND period_start IN (SELECT toDateTime(arrayJoin({starts:Array(UInt32)}), 'UTC'))
    ) AS fresh
SELECT * REPLACE (1 AS is_deleted, fresh AS version)
FROM rollups FINAL
WHERE project = {project:String}
  AND period_s = {period_s:UInt16}
  AND period_start IN (SELECT toDateTime(arrayJoin({starts:Array(UInt32)}), 'UTC'))
UNION ALL
SELECT
    {project:String} AS project, {period_s:UInt16} AS period_s, level AS grouping, start AS period_start,
    model, tenant, variant, operation, currency, requests, errors, input_tokens, output_tokens,
    cache_read_tokens, reasoning_tokens, without_tokens, list_cost, without_list_cost, list_priced_tokens,
    compute_cost, without_compute_cost, compute_priced_tokens, reported_cost,
    engine_seconds, without_engine_seconds, gpu_seconds, without_gpu_seconds, energy_j, without_energy,
    durations.1 AS duration_buckets, durations.2 AS duration_counts,
    first_chunks.1 AS first_chunk_buckets, first_chunks.2 AS first_chunk_counts,
    output_chunks.1 AS output_chunk_buckets, output_chunks.2 AS output_chunk_counts,
    groups, spans_expire_on, 0 AS is_deleted, fresh + 1 AS version, toDate(start) + {kept_days:UInt32} AS expires_on
FROM computed
