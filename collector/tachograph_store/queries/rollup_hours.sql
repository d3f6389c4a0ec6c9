-- Rollup rows of some hours, added up from those of their minutes, and a deleted row for each that is
-- there now, as in rollup_minutes. The columns stand in the table's order.
WITH
    (
        SELECT greatest(toUInt64(toUnixTimestamp64Nano(now64(9))), max(version) + 1)
        FROM rollups
        WHERE project = {project:String}
          AND period_s = 3600
          AND grouping = 'all'
          AND period_start IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))
    ) AS fresh
SELECT * REPLACE (1 AS is_deleted, fresh AS version)
FROM rollups FINAL
WHERE project = {project:String}
  AND period_s = 3600
  AND period_start IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))
UNION ALL
SELECT
    {project:String} AS project, 3600 AS period_s, level AS grouping, hour AS period_start,
    model, tenant, variant, operation, currency, requests, errors, input_tokens, output_tokens,
    cache_read_tokens, reasoning_tokens, without_tokens, list_cost, without_list_cost, list_priced_tokens,
    compute_cost, without_compute_cost, compute_priced_tokens, reported_cost,
    engine_seconds, without_engine_seconds, gpu_seconds, without_gpu_seconds, energy_j, without_energy,
    durations.1 AS duration_buckets, durations.2 AS duration_counts,
    first_chunks.1 AS first_chunk_buckets, first_chunks.2 AS first_chunk_counts,
    output_chunks.1 AS output_chunk_buckets, output_chunks.2 AS output_chunk_counts,
    groups, spans_expire_on, 0 AS is_deleted, fresh + 1 AS version,
    toDate(hour) + {kept_days:UInt32} AS expires_on
FROM
(
    SELECT
        m.grouping AS level, toStartOfHour(period_start) AS hour, model, tenant, variant, operation, currency,
        sum(m.requests) AS requests,
        sum(m.errors) AS errors,
        sumOrNull(m.input_tokens) AS input_tokens,
        sumOrNull(m.output_tokens) AS output_tokens,
        sumOrNull(m.cache_read_tokens) AS cache_read_tokens,
        sumOrNull(m.reasoning_tokens) AS reasoning_tokens,
        sum(m.without_tokens) AS without_tokens,
        sumOrNull(m.list_cost) AS list_cost,
        sum(m.without_list_cost) AS without_list_cost,
        sumOrNull(m.list_priced_tokens) AS list_priced_tokens,
        sumOrNull(m.compute_cost) AS compute_cost,
        sum(m.without_compute_cost) AS without_compute_cost,
        sumOrNull(m.compute_priced_tokens) AS compute_priced_tokens,
        sumOrNull(m.reported_cost) AS reported_cost,
        sumOrNull(m.engine_seconds) AS engine_seconds,
        sum(m.without_engine_seconds) AS without_engine_seconds,
        sumOrNull(m.gpu_seconds) AS gpu_seconds,
        sum(m.without_gpu_seconds) AS without_gpu_seconds,
        sumOrNull(m.energy_j) AS energy_j,
        sum(m.without_energy) AS without_energy,
        sumMap(duration_buckets, duration_counts) AS durations,
        sumMap(first_chunk_buckets, first_chunk_counts) AS first_chunks,
        sumMap(output_chunk_buckets, output_chunk_counts) AS output_chunks,
        max(m.groups) AS groups,
        min(m.spans_expire_on) AS spans_expire_on
    FROM rollups AS m FINAL
    WHERE project = {project:String}
      AND period_s = 60
      AND toStartOfHour(period_start) IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))
      AND NOT is_deleted
    GROUP BY level, hour, model, tenant, variant, operation, currency
)
