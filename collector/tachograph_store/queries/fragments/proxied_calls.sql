-- Calls, by their caller's span, that a proxy saw.
SELECT trace_id, parent_span_id
FROM spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({child_since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({child_until_ns:Int64}, 'UTC')
  AND observer = 'proxy'
  AND is_counted
  AND parent_span_id != ''
