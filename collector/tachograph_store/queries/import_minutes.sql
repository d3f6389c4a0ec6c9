-- Minutes of a time range in which the project has spans.
SELECT DISTINCT toUnixTimestamp(toStartOfMinute(start_time)) AS minute
FROM spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
LIMIT 1000000
