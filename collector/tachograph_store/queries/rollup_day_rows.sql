-- Rows of day_rollups for one day under {version}. Answers are those of overview_unscored.
SELECT
    {project:String} AS project, d.kind AS kind, {day:Date} AS day, segment, requests, errors,
    input_tokens, output_tokens, longest_prompt_tokens, list_cost, compute_cost, cost_currency,
    duration_ns, max_duration_ns, unscored, 0 AS is_valid, spans_expire_on, answers_expire_on,
    {version:UInt64} AS version, expires_on
FROM
(
    SELECT
        fact.1 AS kind,
        assumeNotNull(fact.2) AS segment,
        count() AS requests,
        countIf(status_code = 'ERROR') AS errors,
        sumOrNull(s.input_tokens) AS input_tokens,
        sumOrNull(s.output_tokens) AS output_tokens,
        maxOrNull(s.input_tokens) AS longest_prompt_tokens,
        sumOrNull(s.list_cost) AS list_cost,
        sumOrNull(s.compute_cost) AS compute_cost,
        any(s.cost_currency) AS cost_currency,
        sum(s.duration_ns) AS duration_ns,
        max(s.duration_ns) AS max_duration_ns,
        0 AS unscored,
        min(s.expires_on) AS spans_expire_on,
        spans_expire_on AS answers_expire_on,
        max(s.expires_on) AS expires_on
    FROM
    (
        SELECT
            arrayJoin([
                ('user', user),
                ('session', session),
                ('tenant', toNullable(toString(tenant))),
                ('model', toNullable(toString(coalesce(response_model, request_model))))
            ]) AS fact,
            status_code, input_tokens, output_tokens, list_cost, compute_cost, cost_currency,
            spans.duration_ns, spans.expires_on
        FROM spans FINAL
        WHERE project = {project:String}
          AND _partition_id = {partition:String}
          AND is_counted
          AND spans.expires_on >= toDate('2000-01-01')  -- an earlier day is the mark of the forgotten
    ) AS s
    WHERE fact.2 IS NOT NULL
    GROUP BY kind, segment
    UNION ALL
    SELECT
        'answers' AS kind, '' AS segment,
        countIf(is_answer) AS requests,
        0 AS errors, NULL AS input_tokens, NULL AS output_tokens, NULL AS longest_prompt_tokens,
        NULL AS list_cost, NULL AS compute_cost, NULL AS cost_currency, 0 AS duration_ns, 0 AS max_duration_ns,
        countIf(is_answer AND NOT is_scored) AS unscored,
        min(a.expires_on) AS spans_expire_on,
        if(requests = 0, spans_expire_on, minIf(a.content_expires_on, is_answer)) AS answers_expire_on,
        max(a.expires_on) AS expires_on
    FROM
    (
        SELECT
            (
                -- include judgeable
            ) AS is_answer,
            cityHash64(trace_id, span_id) IN (
                SELECT cityHash64(trace_id, span_id)
                FROM scores
                WHERE project = {project:String} AND _partition_id = {partition:String} AND source = 'evaluator'
            ) AS is_scored,
            spans.expires_on, content_expires_on
        FROM spans FINAL
        WHERE project = {project:String}
          AND _partition_id = {partition:String}
          AND is_counted
          AND spans.expires_on >= toDate('2000-01-01')
    ) AS a
) AS d
