-- What rules watch of the counted requests that ended in a window. Started at `oldest_ns` or later:
-- a bound on what is read, an hour before the window. A client span that has a proxy span as its child
-- is not counted: the rollup job sees to that, but for spans that were stored since it came by.
WITH
    (
        SELECT toInt64OrZero(argMax(j.cursor, j.version))
        FROM jobs AS j
        WHERE project = '' AND kind = 'cursor' AND evaluator = 'rollups'
    ) AS settled
SELECT
    count() AS requests,
    countIf(status_code = 'ERROR') AS errors,
    quantilesOrNull(0.5, 0.95, 0.99)(duration_ns) AS durations_ns,
    quantilesOrNull(0.5, 0.95, 0.99)(time_to_first_chunk_s) AS first_chunks_s,
    countIf(s.time_to_first_chunk_s IS NOT NULL) AS with_first_chunk,
    sumOrNull(s.input_tokens) AS input_tokens,
    countIf(s.input_tokens IS NOT NULL) AS with_input_tokens,
    sumOrNull(s.output_tokens) AS output_tokens,
    countIf(s.output_tokens IS NOT NULL) AS with_output_tokens,
    sumOrNull(s.list_cost) AS list_cost,
    countIf(s.list_cost IS NOT NULL) AS with_list_cost,
    sumOrNull(s.compute_cost) AS compute_cost,
    countIf(s.compute_cost IS NOT NULL) AS with_compute_cost,
    sumOrNull(s.gpu_seconds) AS gpu_seconds,
    countIf(s.gpu_seconds IS NOT NULL) AS with_gpu_seconds,
    sumOrNull(s.energy_j) AS energy_j,
    countIf(s.energy_j IS NOT NULL) AS with_energy_j
FROM spans AS s FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({oldest_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND toUnixTimestamp64Nano(start_time) + toInt64(duration_ns) >= {since_ns:Int64}
  AND toUnixTimestamp64Nano(start_time) + toInt64(duration_ns) < {until_ns:Int64}
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND (s.observer != 'client' OR (s.trace_id, s.span_id) NOT IN
  (
      -- include proxied_calls
        AND stored_at >= fromUnixTimestamp64Micro(settled, 'UTC')
      UNION ALL
      -- include proxied_calls
        AND trace_id IN
        (
            SELECT trace_id
            FROM spans
            WHERE project = {project:String}
              AND start_time >= fromUnixTimestamp64Nano({oldest_ns:Int64}, 'UTC')
              AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
              AND stored_at >= fromUnixTimestamp64Micro(settled, 'UTC')
              AND observer = 'client'
              AND is_counted
        )
  ))
