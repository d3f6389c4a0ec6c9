-- Spans by the id of their response: the counted one where several observers saw it.
SELECT
    trace_id,
    span_id,
    toUnixTimestamp64Nano(spans.start_time) AS start_time,
    coalesce(response_model, request_model) AS model,
    tenant,
    variant,
    assumeNotNull(spans.response_id) AS response_id
FROM spans
WHERE project = {project:String}
  AND toStartOfMinute(spans.start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
  AND spans.start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND spans.start_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND spans.response_id IN {response_ids:Array(String)}
ORDER BY is_counted DESC, duration_ns > 0 DESC, spans.start_time DESC, version DESC
LIMIT 1 BY spans.response_id
