ALTER TABLE spans {on_cluster}
    MODIFY SETTING non_replicated_deduplication_window = 1000
