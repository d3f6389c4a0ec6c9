-- How many scores the traces of a page have, and the lowest; of spans within a day of the page's traces.
SELECT trace_id, count() AS score_count, min(value) AS lowest_score
FROM scores FINAL
WHERE project = {project:String}
    AND trace_id IN {trace_ids:Array(String)}
    AND span_time >= fromUnixTimestamp64Nano({oldest_ns:Int64}, 'UTC') - INTERVAL 1 DAY
    AND span_time <= fromUnixTimestamp64Nano({newest_ns:Int64}, 'UTC') + INTERVAL 1 DAY
GROUP BY trace_id
