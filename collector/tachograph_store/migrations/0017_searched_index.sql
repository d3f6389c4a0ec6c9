-- Which spans hold a word. Rows arrive without it (see the engine's settings of writers), the first
-- merge that takes them adds it, and the merge in which content expires makes it anew without it.
ALTER TABLE spans {on_cluster} ADD INDEX IF NOT EXISTS searched_index searched
    TYPE text(tokenizer = 'splitByNonAlpha', posting_list_codec = 'bitpacking')
