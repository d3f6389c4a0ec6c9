-- The requests of one segment added up.
count() AS requests,
countIf(status_code = 'ERROR') AS errors,
sumOrNull(s.input_tokens) AS input_tokens,
sumOrNull(s.output_tokens) AS output_tokens,
maxOrNull(s.input_tokens) AS longest_prompt_tokens,
sumOrNull(s.list_cost) AS list_cost,
sumOrNull(s.compute_cost) AS compute_cost,
any(s.cost_currency) AS cost_currency,
sum(s.duration_ns) AS duration_ns,
max(s.duration_ns) AS max_duration_ns
