-- Messages to webhooks of the range, the latest first; those still waiting are always listed.
SELECT
    delivery_id, incident_id, event, channel, target, state, attempt, http_status,
    substringUTF8(error, 1, 300) AS error, next_attempt_at, created_at, delivered_at
FROM deliveries FINAL
WHERE project = {project:String}
  AND created_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (state = 'waiting' OR created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
ORDER BY created_at DESC, delivery_id
LIMIT {limit:UInt32}
