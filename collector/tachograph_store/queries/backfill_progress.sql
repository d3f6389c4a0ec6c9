-- Answers of a range, and how many of them have every wanted evaluation settled.
SELECT
    uniqExact(trace_id, span_id) AS answers,
    uniqExactIf((trace_id, span_id), (trace_id, span_id) IN
    (
        SELECT trace_id, span_id
        FROM
        (
            -- include evaluations_of_range
              AND state IN ('parked', 'skipped')
        )
        WHERE has({evaluators:Array(String)}, judge)
        GROUP BY trace_id, span_id
        HAVING uniqExact(judge) = length({evaluators:Array(String)})
    )) AS settled
FROM spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND (
      -- include judgeable
  )
