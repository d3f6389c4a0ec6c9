-- Who had a context on a device: the most memory it held, its mean share of the SM time while it was seen.
SELECT
    r.labels['hw.id'] AS gpu_id,
    toUInt32OrZero(r.labels['process.pid']) AS pid,
    argMax(r.labels['process.executable.name'], r.time) AS process_name,
    argMax(r.labels['tachograph.process.is_engine'], r.time) AS is_engine,
    maxOrNullIf(r.value, r.name = 'process.gpu.memory.usage') AS memory_bytes,
    avgOrNullIf(r.value, r.name = 'process.gpu.utilization') AS sm_ratio,
    max(r.time) AS last_at
FROM engine_readings AS r FINAL
WHERE project = {project:String}
  AND r.name IN ('process.gpu.memory.usage', 'process.gpu.utilization')
  AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY gpu_id, pid
ORDER BY sm_ratio DESC NULLS LAST, memory_bytes DESC NULLS LAST, gpu_id, pid
LIMIT 200
