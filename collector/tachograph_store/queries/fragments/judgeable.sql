-- Answers that evaluators may judge: one whose text was not captured cannot be judged and is not waited for.
operation IN {operations:Array(String)}
AND status_code != 'ERROR'
AND (
    NOT completion.null  -- the null map: the text itself would be read by IS NOT NULL
    OR cityHash64(trace_id, span_id) IN (
        -- include told_of_range
    )
)
