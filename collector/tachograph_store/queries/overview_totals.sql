-- Totals and percentiles of the counted requests of a time range, with how many lack each fact.
SELECT
    count() AS requests,
    countIf(status_code = 'ERROR') AS errors,
    sumOrNull(input_tokens) AS input_tokens,
    sumOrNull(output_tokens) AS output_tokens,
    countIf(s.input_tokens IS NULL OR s.output_tokens IS NULL) AS without_tokens,
    quantilesOrNull(0.5, 0.95, 0.99)(duration_ns) AS durations_ns,
    quantilesOrNull(0.5, 0.95, 0.99)(time_to_first_chunk_s) AS first_chunks_s,
    countIf(s.time_to_first_chunk_s IS NULL) AS without_first_chunk,
    sumOrNull(list_cost) AS list_cost,
    countIf(s.list_cost IS NULL) AS without_list_cost,
    sumOrNull(compute_cost) AS compute_cost,
    countIf(s.compute_cost IS NULL) AS without_compute_cost,
    groupUniqArray(4)(cost_currency) AS currencies,
    sumOrNull(gpu_seconds) AS gpu_seconds,
    sumOrNull(energy_j) AS energy_j,
    countIf(s.energy_j IS NULL) AS without_energy
FROM spans AS s FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
