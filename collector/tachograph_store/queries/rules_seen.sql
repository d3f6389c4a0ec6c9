-- Each rule that ever opened an incident, with its last word.
SELECT
    rule,
    count() AS incidents,
    countIf(fired_at IS NOT NULL) AS fired,
    countIf(state = 'firing') AS firing,
    countIf(state = 'pending') AS pending,
    max(fired_at) AS last_fired_at,
    argMax(severity, pending_at) AS severity,
    argMax(threshold, pending_at) AS threshold,
    argMax(value, pending_at) AS last_value
FROM incidents FINAL
WHERE project = {project:String}
GROUP BY rule
ORDER BY firing DESC, last_fired_at DESC NULLS LAST, rule
LIMIT {limit:UInt32}
