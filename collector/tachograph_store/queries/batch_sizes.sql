-- How often so many requests ran at once, by the metric that said it. Readings of one engine are equally
-- far apart, so their number stands for time.
SELECT
    r.name AS name,
    toUInt32(greatest(0, least(100000, round(r.value)))) AS size,
    count() AS readings
FROM engine_readings AS r FINAL
WHERE project = {project:String}
  AND r.name IN {names:Array(String)}
  AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY name, size
ORDER BY name, size
LIMIT 10000
