-- Answers stored after the planner's cursor, of every project when {project} is '': nobody has decided
-- yet whether they are judged. Projects that are not listed have no cursor: {cursor_us} stands for it.
SELECT
    count() AS answers,
    minOrNull(stored_at) AS oldest_at
FROM spans FINAL
WHERE ({project:String} = '' OR project = {project:String})
  AND stored_at > fromUnixTimestamp64Micro({cursor_us:Int64}, 'UTC')
  AND stored_at > fromUnixTimestamp64Micro(
      transform(project, {projects:Array(String)}, {cursors_us:Array(Int64)}, {cursor_us:Int64}), 'UTC')
  AND is_counted
  AND operation IN {operations:Array(String)}
  AND status_code != 'ERROR'
  AND NOT completion.null
