-- By how much each account of the GPU ledger grew, over all sidecars: '' is what the counters say. Their
-- readings have one time for all accounts, so differences of the first and the last one add up.
SELECT
    name,
    account,
    sum(newest - oldest) AS joules
FROM
(
    SELECT
        r.name AS name,
        r.labels['account'] AS account,
        argMin(r.value, r.time) AS oldest,
        argMax(r.value, r.time) AS newest
    FROM engine_readings AS r FINAL
    WHERE project = {project:String}
      AND r.name IN ('tachograph.proxy.energy.drawn', 'tachograph.proxy.energy.booked', 'tachograph.proxy.energy.error')
      AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
    GROUP BY name, account, r.instance
)
GROUP BY name, account
ORDER BY name, account
LIMIT 100
