-- Each device seen in the range: its last reading and its means. `energy_j` is the counter's growth.
SELECT
    gpu_id,
    argMax(host, time) AS host,
    argMax(gpu_index, time) AS gpu_index,
    argMax(gpu_model, time) AS gpu_model,
    count() AS readings,
    max(time) AS last_at,
    argMaxOrNull(r.power_w, if(r.power_w IS NULL, NULL, time)) AS power_w,
    argMaxOrNull(r.power_limit_w, if(r.power_limit_w IS NULL, NULL, time)) AS power_limit_w,
    argMaxOrNull(r.memory_used_bytes, if(r.memory_used_bytes IS NULL, NULL, time)) AS memory_used_bytes,
    argMaxOrNull(r.memory_total_bytes, if(r.memory_total_bytes IS NULL, NULL, time)) AS memory_total_bytes,
    argMaxOrNull(r.utilization_ratio, if(r.utilization_ratio IS NULL, NULL, time)) AS utilization_ratio,
    argMaxOrNull(r.temperature_c, if(r.temperature_c IS NULL, NULL, time)) AS temperature_c,
    avgOrNull(r.power_w) AS mean_power_w,
    avgOrNull(r.utilization_ratio) AS mean_utilization_ratio,
    maxOrNull(r.memory_used_bytes) AS peak_memory_bytes,
    maxOrNull(r.temperature_c) AS peak_temperature_c,
    if(countIf(r.energy_j IS NOT NULL) < 2, NULL, max(r.energy_j) - min(r.energy_j)) AS energy_j,
    countIf(throttle_reasons IS NOT NULL) AS throttle_known,
    countIf(throttle_reasons > 1) AS throttled
FROM gpu_readings AS r FINAL
WHERE project = {project:String}
  AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY gpu_id
ORDER BY host, gpu_index, gpu_id
LIMIT 256
