-- Answers whose text came in events beside them, which may be said before their span begins or after.
SELECT trace_id, parent_span_id
FROM spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC') - INTERVAL 10 MINUTE
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC') + INTERVAL 1 HOUR
  AND name IN {events:Array(String)}
  AND NOT completion.null
  AND NOT is_counted
  AND parent_span_id != ''
