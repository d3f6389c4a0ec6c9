-- Groups of requests of some minutes, added up from the spans; for rollup_rows. A client span that has
-- a proxy span as its child is not counted: both saw the same request. A minute of more than
-- {max_groups} groups keeps its total only.
SELECT *
FROM
(
    SELECT *, countIf(level = 'full') OVER (PARTITION BY start) AS groups
    FROM
    (
        SELECT
            multiIf(grouping(operation) = 0, 'full', grouping(model) = 0, 'model',
                grouping(tenant) = 0, 'tenant', grouping(variant) = 0, 'variant', 'all') AS level,
            start, model, tenant, variant, operation, currency,
            count() AS requests,
            countIf(has_failed) AS errors,
            sumOrNull(s.input_tokens) AS input_tokens,
            sumOrNull(s.output_tokens) AS output_tokens,
            sumOrNull(s.cache_read_tokens) AS cache_read_tokens,
            sumOrNull(s.reasoning_tokens) AS reasoning_tokens,
            countIf(s.input_tokens IS NULL OR s.output_tokens IS NULL) AS without_tokens,
            sumOrNull(s.list_cost) AS list_cost,
            countIf(s.list_cost IS NULL) AS without_list_cost,
            sumOrNullIf(tokens, s.list_cost IS NOT NULL) AS list_priced_tokens,
            sumOrNull(s.compute_cost) AS compute_cost,
            countIf(s.compute_cost IS NULL) AS without_compute_cost,
            sumOrNullIf(tokens, s.compute_cost IS NOT NULL) AS compute_priced_tokens,
            sumOrNull(s.reported_cost) AS reported_cost,
            sumOrNull(s.engine_seconds) AS engine_seconds,
            countIf(s.engine_seconds IS NULL) AS without_engine_seconds,
            sumOrNull(s.gpu_seconds) AS gpu_seconds,
            countIf(s.gpu_seconds IS NULL) AS without_gpu_seconds,
            sumOrNull(s.energy_j) AS energy_j,
            countIf(s.energy_j IS NULL) AS without_energy,
            sumMap([duration_bucket], [toUInt64(1)]) AS durations,
            sumMapIf([first_chunk_bucket], [toUInt64(1)], s.time_to_first_chunk_s IS NOT NULL) AS first_chunks,
            sumMapIf([output_chunk_bucket], [toUInt64(1)], s.time_per_output_chunk_s IS NOT NULL) AS output_chunks,
            min(s.expires_on) AS spans_expire_on
        FROM
        (
            SELECT
                toStartOfMinute(start_time) AS start,
                coalesce(response_model, request_model, '') AS model,
                ifNull(spans.tenant, '') AS tenant,
                ifNull(spans.variant, '') AS variant,
                ifNull(spans.operation, '') AS operation,
                ifNull(cost_currency, '') AS currency,
                status_code = 'ERROR' AS has_failed,
                ifNull(spans.input_tokens, 0) + ifNull(spans.output_tokens, 0) AS tokens,
                -- bucket 0 holds zero, bucket n the nanoseconds in [1.04^(n-1), 1.04^n)
                toUInt16(if(duration_ns < 1, 0, least(1000, 1 + floor(log(toFloat64(duration_ns)) / log(1.04))))) AS duration_bucket,
                ifNull(time_to_first_chunk_s, 0) * 1e9 AS first_chunk_ns,
                toUInt16(if(first_chunk_ns < 1, 0, least(1000, 1 + floor(log(first_chunk_ns) / log(1.04))))) AS first_chunk_bucket,
                ifNull(time_per_output_chunk_s, 0) * 1e9 AS output_chunk_ns,
                toUInt16(if(output_chunk_ns < 1, 0, least(1000, 1 + floor(log(output_chunk_ns) / log(1.04))))) AS output_chunk_bucket,
                spans.input_tokens, spans.output_tokens, cache_read_tokens, reasoning_tokens,
                list_cost, compute_cost, reported_cost, engine_seconds, gpu_seconds, energy_j,
                time_to_first_chunk_s, time_per_output_chunk_s, expires_on
            FROM spans FINAL
            WHERE project = {project:String}
              AND toStartOfMinute(start_time) IN (SELECT toDateTime(arrayJoin({starts:Array(UInt32)}), 'UTC'))
              AND is_counted
              AND expires_on >= toDate('2000-01-01')  -- an earlier day is the mark of the forgotten
              AND (observer != 'client' OR (trace_id, span_id) NOT IN
              (
                  SELECT trace_id, parent_span_id
                  FROM spans
                  WHERE project = {project:String}
                    AND toStartOfMinute(start_time) IN (SELECT toDateTime(arrayJoin({starts:Array(UInt32)}) + 60 * arrayJoin(range({child_minutes:UInt32})) - {child_early_s:UInt32}, 'UTC'))
                    AND observer = 'proxy'
                    AND is_counted
                    AND parent_span_id != ''
              ))
        ) AS s
        GROUP BY GROUPING SETS
        (
            (start, currency),
            (start, currency, model),
            (start, currency, tenant),
            (start, currency, variant),
            (start, currency, model, tenant, variant, operation)
        )
    )
)
WHERE level = 'all' OR groups <= {max_groups:UInt32}
