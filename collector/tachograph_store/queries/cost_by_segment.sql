-- Money and tokens by tenant, model and currency: counted requests only.
SELECT
    tenant,
    coalesce(response_model, request_model) AS model,
    cost_currency AS currency,
    count() AS requests,
    sumOrNull(input_tokens) AS input_tokens,
    sumOrNull(cache_read_tokens) AS cache_read_tokens,
    sumOrNull(output_tokens) AS output_tokens,
    sumOrNull(reasoning_tokens) AS reasoning_tokens,
    countIf(s.input_tokens IS NULL OR s.output_tokens IS NULL) AS without_tokens,
    sumOrNull(list_cost) AS list_cost,
    countIf(s.list_cost IS NULL) AS without_list_cost,
    sumOrNull(compute_cost) AS compute_cost,
    countIf(s.compute_cost IS NULL) AS without_compute_cost,
    sumOrNull(reported_cost) AS reported_cost,
    sumOrNullIf(toFloat64(ifNull(s.input_tokens, 0) + ifNull(s.output_tokens, 0)), s.list_cost IS NOT NULL) AS list_priced_tokens,
    sumOrNullIf(toFloat64(ifNull(s.input_tokens, 0) + ifNull(s.output_tokens, 0)), s.compute_cost IS NOT NULL) AS compute_priced_tokens,
    sumOrNull(gpu_seconds) AS gpu_seconds,
    sumOrNull(energy_j) AS energy_j
FROM spans AS s FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
GROUP BY tenant, model, currency
ORDER BY requests DESC, tenant, model, currency
LIMIT {limit:UInt32}
