-- Minutes whose rollups do not know all spans: those where spans were stored since an instant, and
-- those of client spans whose child at the proxy was. `stored_us` is the latest of these instants;
-- `has_events`: among them are events that may tell what was answered.
SELECT d.minute AS minute, max(d.stored_us) AS stored_us, max(d.has_events) AS has_events
FROM
(
    SELECT
        toUnixTimestamp(toStartOfMinute(start_time)) AS minute,
        toUnixTimestamp64Micro(max(stored_at)) AS stored_us,
        max(NOT is_counted AND parent_span_id != '' AND name IN {events:Array(String)}) AS has_events
    FROM spans
    WHERE project = {project:String}
      AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
    GROUP BY minute
    UNION ALL
    SELECT toUnixTimestamp(toStartOfMinute(start_time)) AS minute, max(child.stored_us) AS stored_us, 0 AS has_events
    FROM spans AS parent
    INNER JOIN
    (
        SELECT trace_id, parent_span_id AS span_id, toUnixTimestamp64Micro(max(stored_at)) AS stored_us
        FROM spans
        WHERE project = {project:String}
          AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
          AND observer = 'proxy'
          AND is_counted
          AND parent_span_id != ''
        GROUP BY trace_id, span_id
    ) AS child ON parent.trace_id = child.trace_id AND parent.span_id = child.span_id
    WHERE parent.project = {project:String}
      AND parent.observer = 'client'
      AND parent.is_counted
      AND parent.start_time >=
      (
          SELECT min(start_time) - toIntervalSecond({child_late_s:UInt32})
          FROM spans
          WHERE project = {project:String}
            AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
            AND observer = 'proxy'
            AND is_counted
            AND parent_span_id != ''
      )
    GROUP BY minute
) AS d
GROUP BY minute
ORDER BY minute
