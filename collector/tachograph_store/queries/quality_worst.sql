-- The lowest scores of one name. The explanation is cut: lists never read content.
SELECT
    trace_id,
    span_id,
    span_time,
    evaluator,
    name,
    value,
    label,
    substringUTF8(explanation, 1, 300) AS explanation,
    model,
    tenant,
    variant
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND name = {name:String}
  AND value IS NOT NULL
ORDER BY value, span_time DESC, trace_id, span_id
LIMIT {limit:UInt32}
