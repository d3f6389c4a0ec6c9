-- Other answers to one prompt, without reading a day's prompts: the texts themselves are no index.
-- Rows that lie there already get it with the next merge that takes them.
ALTER TABLE spans {on_cluster} ADD INDEX IF NOT EXISTS prompt_index cityHash64(ifNull(prompt, ''))
    TYPE bloom_filter(0.001) GRANULARITY 1
