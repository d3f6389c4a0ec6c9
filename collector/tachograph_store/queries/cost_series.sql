-- Money in steps of {step_s} seconds, by currency.
SELECT
    toUnixTimestamp(toStartOfInterval(start_time, toIntervalSecond({step_s:UInt32}))) AS step,
    cost_currency AS currency,
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
GROUP BY step, currency
ORDER BY step, currency
LIMIT 20000
