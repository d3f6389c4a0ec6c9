-- Answers stored after the planner's cursor: nobody has decided yet whether they are judged.
SELECT
    count() AS answers,
    minOrNull(stored_at) AS oldest_at
FROM spans FINAL
WHERE project = {project:String}
  AND stored_at > fromUnixTimestamp64Micro({cursor_us:Int64}, 'UTC')
  AND is_counted
  AND operation IN {operations:Array(String)}
  AND status_code != 'ERROR'
  AND NOT completion.null
