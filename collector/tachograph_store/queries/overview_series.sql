-- The same facts in steps of {step_s} seconds; steps without a request have no row.
SELECT
    toUnixTimestamp(toStartOfInterval(start_time, toIntervalSecond({step_s:UInt32}))) AS step,
    count() AS requests,
    countIf(status_code = 'ERROR') AS errors,
    sumOrNull(input_tokens) AS input_tokens,
    sumOrNull(output_tokens) AS output_tokens,
    quantilesOrNull(0.5, 0.95, 0.99)(duration_ns) AS durations_ns,
    quantilesOrNull(0.5, 0.95, 0.99)(time_to_first_chunk_s) AS first_chunks_s,
    sumOrNull(list_cost) AS list_cost,
    sumOrNull(compute_cost) AS compute_cost
FROM spans FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
GROUP BY step
ORDER BY step
