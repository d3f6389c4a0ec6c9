-- The same of answers whose text came in events beside them: the newest {samples} of each model of which one
-- event has such a prompt. Whether the others say the same too their texts tell.
WITH told AS
(
    SELECT trace_id, parent_span_id AS answer_id, cityHash64(ifNull(prompt, '')) AS asked_hash
    FROM spans
    WHERE project = {project:String}
      AND toStartOfMinute(start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC') - INTERVAL 10 MINUTE)
      AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC') + INTERVAL 1 HOUR
      AND cityHash64(ifNull(prompt, '')) IN {prompt_hashes:Array(UInt64)}
      AND name IN {events:Array(String)}
      AND NOT is_counted
      AND parent_span_id != ''
    GROUP BY trace_id, answer_id, asked_hash
)
SELECT answers.trace_id AS trace_id, answers.span_id AS span_id, answers.start_ns AS start_ns, answers.model AS model
FROM
(
    SELECT trace_id, span_id, toUnixTimestamp64Nano(start_time) AS start_ns, coalesce(response_model, request_model) AS model
    -- include free_answers
      AND completion.null
      AND trace_id IN (SELECT trace_id FROM told)
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id
) AS answers
INNER JOIN told ON told.trace_id = answers.trace_id AND told.answer_id = answers.span_id
ORDER BY start_ns DESC, trace_id, span_id
LIMIT {samples:UInt32} BY told.asked_hash, model
LIMIT {limit:UInt32}
