-- The engine's cache in steps of {step_s} seconds: how full it was at most, how many requests were put back
-- for want of it since the reading before, how many waited at most.
SELECT
    step,
    maxOrNullIf(value, name IN {cache_names:Array(String)}) AS cache_ratio,
    sumOrNullIf(growth, name IN {preemption_names:Array(String)}) AS preemptions,
    maxOrNullIf(value, name IN {waiting_names:Array(String)}) AS waiting
FROM
(
    SELECT
        toUnixTimestamp(toStartOfInterval(time, toIntervalSecond({step_s:UInt32}))) AS step,
        r.name AS name,
        r.value AS value,
        r.value - lagInFrame(r.value, 1, r.value) OVER
            (PARTITION BY r.name, r.instance, r.labels_hash ORDER BY r.time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS difference,
        if(difference < 0, r.value, difference) AS growth
    FROM engine_readings AS r FINAL
    WHERE project = {project:String}
      AND r.name IN arrayConcat({cache_names:Array(String)}, {preemption_names:Array(String)}, {waiting_names:Array(String)})
      AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
)
GROUP BY step
ORDER BY step
LIMIT 40000
