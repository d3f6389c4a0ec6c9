-- Whether any evaluation of the range was left out: most projects judge everything.
SELECT count() > 0 AS has_some
FROM
(
    SELECT 1
    FROM jobs
    WHERE project = {project:String}
      AND kind = 'evaluation'
      AND created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC') - INTERVAL 1 SECOND
      AND created_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND state = 'skipped'
    LIMIT 1
)
