-- How many scores the traces of a page have, and the lowest.
SELECT trace_id, count() AS score_count, min(value) AS lowest_score
FROM scores FINAL
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
GROUP BY trace_id
