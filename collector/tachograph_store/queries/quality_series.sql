-- Mean score by name in steps of {step_s} seconds, weighted by sampling.
SELECT
    toUnixTimestamp(toStartOfInterval(span_time, toIntervalSecond({step_s:UInt32}))) AS step,
    name,
    count() AS scores,
    sum(value * sample_weight) / sum(sample_weight) AS mean
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND value IS NOT NULL
  AND source = 'evaluator'
GROUP BY step, name
ORDER BY step, name
LIMIT 20000
