-- How far the rollup job has come (a row of kind `cursor`; `settled_us` 0: it never ran), and which
-- minutes of a range have to be read from spans: `dirty` ones, where spans were stored since then, or which
-- are marked, and `crowded` ones, of so many groups that only their total was kept. `has_proxies`,
-- `has_clients`: spans of proxies, and counted ones of clients, are among those stored; `has_events`: such as
-- may tell what was answered.
-- The job keeps one cursor for all projects, under project ''.
WITH
    (
        SELECT toInt64OrZero(argMax(j.cursor, j.version))
        FROM jobs AS j
        WHERE project = '' AND kind = 'cursor' AND evaluator = 'rollups'
    ) AS settled
SELECT 'cursor' AS kind, settled AS settled_us, 0 AS since_s, 0 AS until_s, 0 AS has_proxies, 0 AS has_clients, 0 AS has_events
UNION ALL
SELECT
    'dirty' AS kind,
    settled AS settled_us,
    toUnixTimestamp(toStartOfMinute(start_time)) AS since_s,
    since_s + 60 AS until_s,
    max(observer = 'proxy' AND is_counted AND parent_span_id != '') AS has_proxies,
    max(observer = 'client' AND is_counted) AS has_clients,
    max(NOT is_counted AND parent_span_id != '' AND name IN {events:Array(String)}) AS has_events
FROM spans
WHERE project = {project:String}
  AND settled > 0
  AND start_time >= fromUnixTimestamp64Nano({child_since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({child_until_ns:Int64}, 'UTC')
  AND stored_at >= fromUnixTimestamp64Micro(settled, 'UTC')
GROUP BY since_s
UNION ALL
SELECT 'marked' AS kind, settled AS settled_us, toUnixTimestamp(m.since) AS since_s, toUnixTimestamp(m.until) AS until_s, 0 AS has_proxies, 0 AS has_clients, 1 AS has_events
FROM rollup_marks AS m FINAL
WHERE project = {project:String}
UNION ALL
SELECT 'crowded' AS kind, settled AS settled_us, toUnixTimestamp(period_start) AS since_s, since_s + 60 AS until_s, 0 AS has_proxies, 0 AS has_clients, 0 AS has_events
FROM rollups FINAL
WHERE {reads_groups:Bool}
  AND project = {project:String}
  AND period_s = 60
  AND grouping = 'all'
  AND period_start >= toDateTime({since_s:UInt32}, 'UTC')
  AND period_start < toDateTime({until_s:UInt32}, 'UTC')
  AND groups > {max_groups:UInt32}
GROUP BY since_s
