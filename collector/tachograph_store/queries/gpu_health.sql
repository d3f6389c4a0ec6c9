-- Errors and links of each device: what a counter grew by since its first reading in the range (a counter
-- that began anew is taken from 0), the mean of a gauge, and the last reading.
SELECT
    gpu_id,
    name,
    error_type,
    direction,
    sum(if(is_counter, if(newest >= oldest, newest - oldest, newest), 0)) AS growth,
    avg(mean) AS mean,
    argMax(newest, last_at) AS last
FROM
(
    SELECT
        r.labels['hw.id'] AS gpu_id,
        r.name AS name,
        r.labels['error.type'] AS error_type,
        r.labels['network.io.direction'] AS direction,
        any(r.kind) = 'counter' AS is_counter,
        argMin(r.value, r.time) AS oldest,
        argMax(r.value, r.time) AS newest,
        avg(r.value) AS mean,
        max(r.time) AS last_at
    FROM engine_readings AS r FINAL
    WHERE project = {project:String}
      AND r.name IN ('hw.errors', 'hw.gpu.io', 'hw.gpu.pcie.throughput', 'hw.gpu.nvlink.count')
      AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
    GROUP BY gpu_id, name, error_type, direction, r.instance
)
GROUP BY gpu_id, name, error_type, direction
ORDER BY gpu_id, name, error_type, direction
LIMIT 2000
