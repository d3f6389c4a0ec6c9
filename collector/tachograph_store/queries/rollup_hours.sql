-- Groups of requests of some hours, added up from those of their minutes; for rollup_rows.
SELECT
    m.grouping AS level, toStartOfHour(period_start) AS start, model, tenant, variant, operation, currency,
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
  AND toStartOfHour(period_start) IN (SELECT toDateTime(arrayJoin({starts:Array(UInt32)}), 'UTC'))
  AND NOT is_deleted
GROUP BY level, start, model, tenant, variant, operation, currency
