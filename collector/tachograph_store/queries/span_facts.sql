-- What a score needs to know of the spans it judges: their time, model and segment.
SELECT
    trace_id,
    span_id,
    toUnixTimestamp64Nano(start_time) AS start_time,
    coalesce(response_model, request_model) AS model,
    tenant,
    variant
FROM spans
WHERE project = {project:String}
  AND trace_id IN {trace_ids:Array(String)}
  AND concat(trace_id, span_id) IN {spans:Array(String)}
ORDER BY version DESC
LIMIT 1 BY trace_id, span_id
