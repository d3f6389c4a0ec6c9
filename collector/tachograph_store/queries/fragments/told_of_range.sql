-- Answers, by their hash, whose text came in events beside them, which may be said before their span begins
-- or after. Most projects send none: {has_told} says whether there is anything to read.
SELECT cityHash64(trace_id, parent_span_id)
FROM spans
WHERE {has_told:Bool}
  AND project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC') - INTERVAL 10 MINUTE
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC') + INTERVAL 1 HOUR
  AND name IN {events:Array(String)}
  AND NOT completion.null
  AND NOT is_counted
  AND parent_span_id != ''
