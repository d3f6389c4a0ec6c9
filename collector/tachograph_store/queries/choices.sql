-- What the range can be filtered by, the most frequent first.
SELECT
    topKIf(200)(coalesce(response_model, request_model, ''), coalesce(response_model, request_model, '') != '') AS models,
    topKIf(200)(ifNull(tenant, ''), ifNull(tenant, '') != '') AS tenants,
    topKIf(200)(ifNull(variant, ''), ifNull(variant, '') != '') AS variants
FROM spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
