-- Traces with the most of something in whole days that were added up, each at its foremost request of a
-- day; of {looked_at} requests, or {depth} traces, a day may have more (`is_cut`).
SELECT
    d.segment AS trace_id,
    toUnixTimestamp64Nano(d.start_time) AS newest_ns,
    d.place AS place,
    d.day AS day,
    d.requests >= {looked_at:UInt32} OR count() OVER (PARTITION BY d.day) >= {depth:UInt32} AS is_cut
FROM day_rollups AS d
WHERE project = {project:String}
  AND kind = {order:String}
  AND day IN {days:Array(Date)}
  AND (day, d.version) IN (SELECT arrayJoin(arrayZip({days:Array(Date)}, {versions:Array(UInt64)})))
