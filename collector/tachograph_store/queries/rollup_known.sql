-- Minutes of a range (of {minutes} only, unless it is empty) that have spans or rollups, and how many
-- spans there are to read. Minutes whose spans have begun to expire are left out: their rollups know
-- more than the spans that are left.
SELECT minute, sum(span_count) AS spans
FROM
(
    SELECT toUnixTimestamp(toStartOfMinute(start_time)) AS minute, count() AS span_count, 0 AS is_frozen
    FROM spans
    WHERE project = {project:String}
      AND toStartOfMinute(start_time) >= toDateTime({since_s:UInt32}, 'UTC')
      AND toStartOfMinute(start_time) < toDateTime({until_s:UInt32}, 'UTC')
      AND (empty({minutes:Array(UInt32)})
          OR toStartOfMinute(start_time) IN (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC')))
    GROUP BY minute
    UNION ALL
    SELECT toUnixTimestamp(period_start) AS minute, 0 AS span_count, spans_expire_on <= toDate(now('UTC')) AS is_frozen
    FROM rollups FINAL
    WHERE project = {project:String}
      AND period_s = 60
      AND grouping = 'all'
      AND period_start >= toDateTime({since_s:UInt32}, 'UTC')
      AND period_start < toDateTime({until_s:UInt32}, 'UTC')
      AND (empty({minutes:Array(UInt32)})
          OR period_start IN (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC')))
)
GROUP BY minute
HAVING max(is_frozen) = 0
ORDER BY minute
