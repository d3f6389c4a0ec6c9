-- `compaction` merges what a burst left when the burst is over: fewer than ten parts, which this setting
-- forbade. While rows come the base alone asks for ten parts of like size, as before.
ALTER TABLE spans {on_cluster} MODIFY SETTING min_parts_to_merge_at_once = 0
