-- Answers that one evaluator judged and no person did yet, the newest first.
SELECT
    trace_id,
    span_id,
    span_time,
    assumeNotNull(value) AS score,
    label,
    model,
    tenant
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND source = 'evaluator'
  AND name = {score_name:String}
  AND evaluator = {evaluator:String}
  AND evaluator_version = {version:String}
  AND value IS NOT NULL
  AND (trace_id, span_id) NOT IN
  (
      SELECT trace_id, span_id
      FROM scores
      WHERE project = {project:String}
        AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
        AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
        AND source IN ('human', 'api')
  )
ORDER BY span_time DESC, trace_id, span_id
LIMIT {limit:UInt32}
