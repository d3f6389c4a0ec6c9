-- The messages that came as events beside some answers, in the order in which they were said.
SELECT
    trace_id,
    parent_span_id AS span_id,
    name,
    prompt,
    cityHash64(ifNull(prompt, '')) AS prompt_hash,
    completion
FROM
(
    SELECT *
    FROM spans
    WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND trace_id IN {trace_ids:Array(String)}
      AND parent_span_id IN {span_ids:Array(String)}
      AND name IN {events:Array(String)}
      AND NOT is_counted
    ORDER BY version DESC
    LIMIT 1 BY trace_id, spans.span_id
)
ORDER BY start_time, name DESC
LIMIT 500 BY trace_id, span_id
LIMIT {limit:UInt32}
