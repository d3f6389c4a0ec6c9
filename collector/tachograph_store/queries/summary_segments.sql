-- Totals and percentiles of the counted requests of a time range, by model, tenant or variant.
SELECT
    multiIf(
        {by:String} = 'model', coalesce(response_model, request_model),
        {by:String} = 'tenant', tenant,
        {by:String} = 'variant', variant,
        NULL
    ) AS segment,
    count() AS requests,
    countIf(status_code = 'ERROR') AS errors,
    sumOrNull(s.input_tokens) AS input_tokens,
    sumOrNull(s.output_tokens) AS output_tokens,
    sumOrNull(s.cache_read_tokens) AS cache_read_tokens,
    sumOrNull(s.reasoning_tokens) AS reasoning_tokens,
    countIf(s.input_tokens IS NULL OR s.output_tokens IS NULL) AS without_tokens,
    quantilesOrNull(0.5, 0.95, 0.99)(duration_ns) AS durations_ns,
    quantilesOrNull(0.5, 0.95, 0.99)(time_to_first_chunk_s) AS first_chunks_s,
    sumOrNull(s.list_cost) AS list_cost,
    sumOrNull(s.compute_cost) AS compute_cost,
    sumOrNull(s.reported_cost) AS reported_cost,
    groupUniqArray(4)(cost_currency) AS currencies,
    sumOrNull(s.gpu_seconds) AS gpu_seconds,
    sumOrNull(s.energy_j) AS energy_j
FROM spans AS s FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
GROUP BY segment
ORDER BY requests DESC, segment
LIMIT {limit:UInt32}
