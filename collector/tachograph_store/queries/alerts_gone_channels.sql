-- Webhooks that answered 410 Gone, and when they last did.
SELECT channel, max(next_attempt_at) AS gone_at
FROM deliveries FINAL
WHERE project = {project:String} AND state = 'failed' AND http_status = 410
GROUP BY channel
LIMIT 1000
