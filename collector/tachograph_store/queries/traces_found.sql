-- Places of traces by what their requests said, lacked or scored (counted ones, but for searches); `LIMIT` traces at most.
-- Traces are told apart among the first {depth} spans: sorting all of them takes several times as long.
-- Days that lie in the range as a whole are asked for by their names ({is_whole}; but {known_partitions}),
-- as reading the time of each span would take half of all; the days at both ends by time. The inner order
-- names no more than it must: the ids of the first spans are read behind it.
-- What is searched for goes through the same changes as the text (see the column `searched`).
WITH text -> replaceRegexpAll(
    lowerUTF8(text),
    '([\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Thai}\\p{Khmer}\\p{Lao}\\p{Myanmar}])|[\\x{a0}-\\x{bf}\\x{2000}-\\x{206f}\\x{3000}-\\x{3004}\\x{3007}-\\x{303f}\\x{ff00}-\\x{ff0f}\\x{ff1a}-\\x{ff20}،؛؟।]',
    ' \\1 '
) AS plain
SELECT trace_id, newest_ns, place, looked_at
FROM
(
    SELECT trace_id, newest_ns, place, count() OVER () AS looked_at
    FROM
    (
        SELECT
            trace_id,
            toUnixTimestamp64Nano(s.start_time) AS newest_ns,
            -- nested: of multiIf, the columns of every branch would be read
            if({order:String} = 'slowest', toFloat64(duration_ns),
                if({order:String} = 'dearest',
                    if({price:String} = 'list', toFloat64(ifNull(list_cost, 0)),
                        if({price:String} = 'compute', toFloat64(ifNull(compute_cost, 0)), toFloat64(coalesce(list_cost, compute_cost, 0)))
                    ),
                    if({order:String} = 'longest_prompt', toFloat64(ifNull(input_tokens, 0)),
                        if({order:String} = 'most_tokens', toFloat64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)), 0)
                    )
                )
            ) AS place
        FROM spans AS s
        WHERE project = {project:String}
            AND (_partition_id >= {whole_from:String} AND _partition_id < {whole_until:String}) = {is_whole:Bool}
            AND _partition_id NOT IN {known_partitions:Array(String)}
            AND ({is_whole:Bool} OR start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
            AND ({is_whole:Bool} OR start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC'))
            -- messages that came as events lie beside their span, on rows that never count
            AND (is_counted OR {words:String} != '' OR {phrase_1:String} != '' OR {part:String} != '')
            AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
            AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
            AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
            -- of requests with a list price the other price is not read, and the other way round
            AND ({price:String} != 'list' OR NOT list_cost.null)
            AND ({price:String} != 'compute' OR list_cost.null)
            AND ({only:String} != 'failed' OR status_code = 'ERROR')
            AND ({only:String} != 'no_first_chunk' OR time_to_first_chunk_s IS NULL)
            AND ({only:String} != 'no_tokens' OR input_tokens IS NULL OR output_tokens IS NULL)
            AND ({only:String} != 'low_score' OR cityHash64(trace_id, span_id) IN (
                SELECT cityHash64(trace_id, span_id)
                FROM scores FINAL
                WHERE project = {project:String}
                    AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
                    AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
                    AND (_partition_id >= {whole_from:String} AND _partition_id < {whole_until:String}) = {is_whole:Bool}
                    AND value < {threshold:Float64}
            ))
            AND ({only:String} != 'unscored' OR (
                (
                    -- include judgeable
                )
                AND cityHash64(trace_id, span_id) NOT IN (
                    SELECT cityHash64(trace_id, span_id)
                    FROM scores
                    WHERE project = {project:String}
                        AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
                        AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
                        AND (_partition_id >= {whole_from:String} AND _partition_id < {whole_until:String}) = {is_whole:Bool}
                        AND source = 'evaluator'
                )
                AND cityHash64(trace_id, span_id) NOT IN (
                    -- include left_out_answers
                )
            ))
            AND ({words:String} = '' OR hasAllTokens(searched, plain({words:String})))
            AND ({phrase_1:String} = '' OR hasPhrase(searched, plain({phrase_1:String})))
            AND ({phrase_2:String} = '' OR hasPhrase(searched, plain({phrase_2:String})))
            AND ({phrase_3:String} = '' OR hasPhrase(searched, plain({phrase_3:String})))
            AND ({part:String} = '' OR searched LIKE lowerUTF8({part:String}))
        ORDER BY place DESC, start_time DESC
        LIMIT {depth:UInt32}
    )
)
ORDER BY place DESC, newest_ns DESC, trace_id
LIMIT 1 BY trace_id
LIMIT {limit:UInt32}
