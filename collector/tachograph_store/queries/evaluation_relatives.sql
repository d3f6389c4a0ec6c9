-- The other spans of some traces: who is whose parent, and what context each brings.
SELECT *
FROM
(
    SELECT
        trace_id,
        span_id,
        parent_span_id,
        toUnixTimestamp64Nano(start_time) AS start_ns,
        operation,
        observer,
        context
    FROM spans
    WHERE project = {project:String}
      AND toStartOfMinute(start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
      AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND trace_id IN {trace_ids:Array(String)}
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id
)
LIMIT 500 BY trace_id
LIMIT {limit:UInt32}
