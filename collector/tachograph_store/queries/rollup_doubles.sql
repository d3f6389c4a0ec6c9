-- How many client spans of some minutes count although a proxy's span, their child, counts as well.
SELECT count() AS doubles
FROM spans FINAL
WHERE project = {project:String}
  AND toStartOfMinute(start_time) IN (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC'))
  AND observer = 'client'
  AND is_counted
  AND (trace_id, span_id) IN
  (
      SELECT trace_id, parent_span_id
      FROM spans
      WHERE project = {project:String}
        AND toStartOfMinute(start_time) IN (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}) + 60 * arrayJoin(range({child_minutes:UInt32})) - {child_early_s:UInt32}, 'UTC'))
        AND observer = 'proxy'
        AND is_counted
        AND parent_span_id != ''
  )
