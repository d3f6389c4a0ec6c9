-- Sessions by their last activity, newest first: those with a span that passes the filters.
-- `before_ns` and `before_session` are the last place of the page before; a session that was on an
-- earlier page has a newer matching span and is left out.
WITH matching AS
(
    SELECT assumeNotNull(spans.session) AS session, start_time
    FROM spans
    WHERE project = {project:String}
        AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
        AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
        AND spans.session IS NOT NULL
        AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
        AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
        AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
)
SELECT session, toUnixTimestamp64Nano(start_time) AS newest_ns
FROM matching
WHERE start_time <= fromUnixTimestamp64Nano({before_ns:Int64}, 'UTC')
    AND (newest_ns, session) < ({before_ns:Int64}, {before_session:String})
    AND session NOT IN
    (
        SELECT session
        FROM matching
        WHERE start_time >= fromUnixTimestamp64Nano({before_ns:Int64}, 'UTC')
            AND (toUnixTimestamp64Nano(start_time), session) >= ({before_ns:Int64}, {before_session:String})
    )
ORDER BY toStartOfMinute(start_time) DESC, start_time DESC, session DESC
LIMIT 1 BY session
LIMIT {limit:UInt32}
