-- Incidents touched in the range, the latest first; open ones are always listed.
SELECT
    incident_id, rule, segment, state, severity, substringUTF8(summary, 1, 500) AS summary, value,
    threshold, samples, pending_at, fired_at, resolved_at, notified_at, acknowledged_by
FROM incidents FINAL
WHERE project = {project:String}
  AND pending_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (state != 'resolved'
       OR ifNull(resolved_at, pending_at) >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
ORDER BY state = 'firing' DESC, state = 'pending' DESC, pending_at DESC, incident_id
LIMIT {limit:UInt32}
