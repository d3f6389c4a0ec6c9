-- Tenants, users, models or sessions with the most of something, over counted requests.
SELECT
    multiIf(
        {by:String} = 'tenant', tenant,
        {by:String} = 'user', user,
        {by:String} = 'session', session,
        coalesce(response_model, request_model)
    ) AS segment,
    count() AS requests,
    countIf(status_code = 'ERROR') AS errors,
    sumOrNull(s.input_tokens) AS input_tokens,
    sumOrNull(s.output_tokens) AS output_tokens,
    maxOrNull(s.input_tokens) AS longest_prompt_tokens,
    sumOrNull(s.list_cost) AS list_cost,
    sumOrNull(s.compute_cost) AS compute_cost,
    any(s.cost_currency) AS cost_currency,
    avg(s.duration_ns) / 1e9 AS mean_duration_s,
    max(s.duration_ns) AS max_duration_ns
FROM spans AS s FINAL
WHERE project = {project:String}
    AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
    AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
    AND is_counted
    AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
    AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
    AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
GROUP BY segment
HAVING segment IS NOT NULL
ORDER BY
    multiIf(
        {order:String} = 'slowest', mean_duration_s,
        {order:String} = 'dearest', toFloat64(coalesce(list_cost, compute_cost, 0)),
        {order:String} = 'longest_prompt', toFloat64(ifNull(longest_prompt_tokens, 0)),
        toFloat64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0))
    ) DESC,
    requests DESC,
    segment
LIMIT {limit:UInt32}
