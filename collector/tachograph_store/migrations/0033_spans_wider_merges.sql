-- Ten parts at once, not two, and none much larger than the others: a merge rewrites each text and makes
-- the search index of it anew. Rows were merged 1.8 times before they lay in large parts, now once
-- (measured, decision 8).
ALTER TABLE spans {on_cluster} MODIFY SETTING min_parts_to_merge_at_once = 10, merge_selector_base = 10
