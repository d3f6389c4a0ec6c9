-- Which of these traces were forgotten.
SELECT DISTINCT trace_id
FROM forgotten_traces
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
