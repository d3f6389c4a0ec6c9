-- Projects in which events with messages of an answer were stored from {since_us} on: few send any.
SELECT DISTINCT project
FROM spans
WHERE ({project:String} = '' OR project = {project:String})
  AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
  AND name IN {events:Array(String)}
  AND NOT completion.null
  AND NOT is_counted
  AND parent_span_id != ''
LIMIT 10000
