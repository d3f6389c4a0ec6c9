-- The hours in which spans of a request's traces began, as hours since the epoch.
SELECT DISTINCT arrayJoin(range(intDiv(toUInt32(since), 3600), intDiv(toUInt32(until), 3600) + 1)) AS hour
FROM forgotten_traces FINAL
WHERE project = {project:String} AND request_id = {request_id:String} AND since > toDateTime(0, 'UTC')
ORDER BY hour
LIMIT 1000000
