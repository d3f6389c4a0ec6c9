-- Means by device in steps of {step_s} seconds. A reading that was sent twice is seen once.
SELECT
    toUnixTimestamp(toStartOfInterval(time, toIntervalSecond({step_s:UInt32}))) AS step,
    gpu_id,
    avgOrNull(power_w) AS power_w,
    avgOrNull(utilization_ratio) AS utilization_ratio,
    maxOrNull(memory_used_bytes) AS memory_used_bytes,
    maxOrNull(temperature_c) AS temperature_c
FROM gpu_readings FINAL
WHERE project = {project:String}
  AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY step, gpu_id
ORDER BY step, gpu_id
LIMIT 40000
