-- Answers whose text came in events count among those that wait for a score: days added up without them are
-- added up again. An event may tell of an answer of the day before, or after.
INSERT INTO day_rollups (project, kind, day, is_valid, version, expires_on)
SELECT project, 'whole', day, 0, max(noted.version) + 1, toDate('2100-01-01')
FROM day_rollups AS noted
WHERE kind = 'whole'
  AND (project, day) IN
  (
      SELECT DISTINCT project, arrayJoin([toDate(start_time - INTERVAL 1 HOUR), toDate(start_time + INTERVAL 10 MINUTE)])
      FROM spans
      WHERE NOT is_counted
        AND parent_span_id != ''
        AND name IN ('gen_ai.client.inference.operation.details', 'gen_ai.system.message', 'gen_ai.user.message',
            'gen_ai.assistant.message', 'gen_ai.tool.message', 'gen_ai.choice')
  )
GROUP BY project, day
