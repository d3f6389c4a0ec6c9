-- The latest incident of each rule and segment, open or not.
SELECT
    project, incident_id, rule, segment, state, severity, summary, value, threshold, samples,
    pending_at, fired_at, resolved_at, notified_at, acknowledged_by, version, expires_on
FROM incidents FINAL
WHERE project = {project:String}
ORDER BY pending_at DESC, incident_id
LIMIT 1 BY rule, segment
LIMIT 10000
