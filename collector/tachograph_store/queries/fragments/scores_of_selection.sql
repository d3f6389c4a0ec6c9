FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
