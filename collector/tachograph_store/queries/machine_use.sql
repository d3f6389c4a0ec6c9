-- Each device of the range: for how many seconds it was seen, and by how much its counter grew. A minute
-- with a reading counts until the next one; further apart than {max_gap_s} nobody watched. A counter that
-- went back (the driver was loaded anew) adds nothing there. Parts of a device (MIG) are not devices.
SELECT
    gpu_id,
    sum(if(is_linked, next_minute - minute, 60)) AS seen_s,
    sumOrNull(greatest(0, last_j - first_j) + if(is_linked, greatest(0, ifNull(next_j - last_j, 0)), 0)) AS energy_j
FROM
(
    SELECT
        gpu_id,
        minute,
        first_j,
        last_j,
        leadInFrame(minute) OVER following AS next_minute,
        leadInFrame(first_j) OVER following AS next_j,
        next_minute > minute AND next_minute - minute <= {max_gap_s:UInt32} AS is_linked
    FROM
    (
        SELECT
            gpu_id,
            toUnixTimestamp(toStartOfMinute(time)) AS minute,
            argMinOrNull(r.energy_j, if(r.energy_j IS NULL, NULL, time)) AS first_j,
            argMaxOrNull(r.energy_j, if(r.energy_j IS NULL, NULL, time)) AS last_j
        FROM gpu_readings AS r FINAL
        WHERE project = {project:String}
          AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
          AND r.attributes['hw.parent'] = ''
        GROUP BY gpu_id, minute
    )
    WINDOW following AS (PARTITION BY gpu_id ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
GROUP BY gpu_id
ORDER BY gpu_id
LIMIT 4096
