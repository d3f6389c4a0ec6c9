-- Evaluations that failed, by evaluator and error.
SELECT
    evaluator,
    error_type,
    count() AS evaluations,
    max(created_at) AS last_at,
    argMax(substringUTF8(explanation, 1, 300), created_at) AS last_explanation,
    argMax(trace_id, created_at) AS last_trace_id
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND error_type IS NOT NULL
GROUP BY evaluator, error_type
ORDER BY evaluations DESC, evaluator, error_type
LIMIT 100
