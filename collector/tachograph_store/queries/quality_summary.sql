-- What each version of an evaluator (and people) said, by score name; `below` counts values under 0.5.
-- Spans are compared by a hash of 64 bits: several times as fast as two strings, and exact in practice.
SELECT
    evaluator,
    name,
    source,
    uniqExact(cityHash64(trace_id, span_id)) AS answers,
    countIf(value IS NOT NULL) AS valued,
    if(valued = 0, NULL, sumIf(assumeNotNull(value) * sample_weight, value IS NOT NULL)
        / sumIf(sample_weight, value IS NOT NULL)) AS mean,
    quantileOrNull(0.05)(value) AS low,
    quantileOrNull(0.5)(value) AS median,
    countIf(value < {threshold:Float64}) AS below,
    countIf(error_type IS NOT NULL) AS errors,
    countIf(value IS NULL AND error_type IS NULL) AS not_applicable,
    quantileOrNull(0.5)(duration_ns) AS duration_ns,
    evaluator_version AS version
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
GROUP BY evaluator, evaluator_version, name, source
ORDER BY source, evaluator, name, max(created_at) DESC, version
LIMIT 500
