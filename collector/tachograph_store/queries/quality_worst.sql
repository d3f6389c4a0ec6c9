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
-- include scores_of_selection
  AND name = {name:String}
  AND value IS NOT NULL
ORDER BY value, span_time DESC, trace_id, span_id
LIMIT {limit:UInt32}
