-- Answers of a range that say what a model knows: at temperature 0 an engine repeats itself, which tells nothing.
FROM spans
WHERE project = {project:String}
  AND toStartOfMinute(start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND operation IN {operations:Array(String)}
  AND status_code != 'ERROR'
  AND ifNull(toFloat64OrNull(attributes['gen_ai.request.temperature']), 1) > 0
