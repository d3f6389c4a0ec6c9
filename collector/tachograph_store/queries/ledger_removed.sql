-- What the books say of removed spans: the newest total of each source, and up to where they counted.
SELECT source, outcome, argMax(count, version) AS total, max(version) AS last_version
FROM ledger
WHERE project = {project:String} AND collector = 'removals' AND sequence = 0
GROUP BY source, outcome
ORDER BY source, outcome
LIMIT 100000
