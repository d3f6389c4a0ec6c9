-- Whom the project forgot, the newest first.
SELECT project, request_id, kind, salt, subject_hash, state, requested_at, finished_at, version, expires_on,
    requested_by, host, step, found, error
FROM forget_requests FINAL
WHERE project = {project:String}
ORDER BY requested_at DESC
LIMIT 10000
