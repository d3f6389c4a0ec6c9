-- Sums over all answers that an evaluator judged, by evaluator, version and score name.
SELECT
    evaluator,
    evaluator_version AS version,
    name,
    count() AS answers,
    sum(sample_weight) AS w,
    sum(sample_weight * assumeNotNull(value)) AS wf,
    sum(sample_weight * sample_weight) AS ww,
    sum(sample_weight * sample_weight * assumeNotNull(value)) AS wwf,
    sum(sample_weight * sample_weight * assumeNotNull(value) * assumeNotNull(value)) AS wwff,
    max(created_at) AS last_at
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND source = 'evaluator'
  AND value IS NOT NULL
GROUP BY evaluator, version, name
ORDER BY evaluator, name, last_at DESC
LIMIT 500
