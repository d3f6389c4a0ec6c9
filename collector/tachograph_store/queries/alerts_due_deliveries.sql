-- Messages that are due. Those about one incident to one webhook go out in their order: only the
-- oldest waiting one can be due, however late it is.
SELECT
    project, delivery_id, incident_id, event, channel, target, body, state, attempt, http_status,
    error, next_attempt_at, created_at, delivered_at, version, expires_on
FROM
(
    SELECT *
    FROM deliveries FINAL
    WHERE project = {project:String} AND state = 'waiting'
    ORDER BY created_at, delivery_id
    LIMIT 1 BY incident_id, channel
)
WHERE next_attempt_at <= fromUnixTimestamp64Nano({now_ns:Int64}, 'UTC')
ORDER BY created_at, delivery_id
LIMIT 50 BY channel
LIMIT 500
