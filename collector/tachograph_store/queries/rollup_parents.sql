-- Minutes of client spans that no longer count, because a proxy's span, their child, was stored since the
-- job's cursor.
SELECT DISTINCT toUnixTimestamp(toStartOfMinute(start_time)) AS minute
FROM spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({parent_since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({parent_until_ns:Int64}, 'UTC')
  AND observer = 'client'
  AND is_counted
  AND (trace_id, span_id) IN
  (
      -- include proxied_calls
        AND stored_at >= fromUnixTimestamp64Micro({settled_us:Int64}, 'UTC')
  )
