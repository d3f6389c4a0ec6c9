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
      SELECT trace_id, parent_span_id
      FROM spans
      WHERE project = {project:String}
        AND start_time >= fromUnixTimestamp64Nano({child_since_ns:Int64}, 'UTC')
        AND start_time < fromUnixTimestamp64Nano({child_until_ns:Int64}, 'UTC')
        AND stored_at >= fromUnixTimestamp64Micro({settled_us:Int64}, 'UTC')
        AND observer = 'proxy'
        AND is_counted
        AND parent_span_id != ''
  )
