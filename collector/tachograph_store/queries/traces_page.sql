-- Traces with a span that passes the filters, placed by their newest such span before a place
-- ({before_ns}, {before_trace_id}), newest first; of {among} only, unless it is empty.
-- The order begins with the sorting key's minute so that reading stops early; where few spans pass
-- ({is_narrow}), most of the range is read anyway, and faster in no order.
SELECT trace_id, toUnixTimestamp64Nano(start_time) AS newest_ns
FROM spans
PREWHERE project = {project:String}
    AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
    AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
    AND (empty({users:Array(String)}) OR user IN {users:Array(String)})
    AND (empty({sessions:Array(String)}) OR session IN {sessions:Array(String)})
    AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
    AND (empty({statuses:Array(String)}) OR has({statuses:Array(String)}, status_code))
    AND (empty({observers:Array(String)}) OR has({observers:Array(String)}, observer))
    AND (empty({counted:Array(Bool)}) OR has({counted:Array(Bool)}, is_counted))
-- Compared where a span has passed the filters: the engine would read the time and the trace of each first.
WHERE start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
    AND start_time <= fromUnixTimestamp64Nano({before_ns:Int64}, 'UTC')
    AND (newest_ns, trace_id) < ({before_ns:Int64}, {before_trace_id:String})
    AND (empty({among:Array(String)}) OR trace_id IN {among:Array(String)})
    AND (empty({text:String})
        OR trace_id = {text:String}
        OR span_id = {text:String}
        OR request_id = {text:String}
        OR response_id = {text:String}
        OR startsWith(user, {text:String})
        OR startsWith(session, {text:String})
        OR positionCaseInsensitiveUTF8(name, {text:String}) > 0
        OR positionCaseInsensitiveUTF8(error_type, {text:String}) > 0
        OR positionCaseInsensitiveUTF8(status_message, {text:String}) > 0)
ORDER BY if({is_narrow:Bool}, newest_ns, toInt64(toStartOfMinute(start_time))) DESC, start_time DESC, trace_id DESC
LIMIT 1 BY trace_id
LIMIT {limit:UInt32}
