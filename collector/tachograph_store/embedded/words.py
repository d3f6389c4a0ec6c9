"""What statements may name: closed lists, so that what a newer engine adds is refused by default."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READ_STATEMENTS: Final = frozenset(
    {"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN"}
)
"""First words of statements that run on connections with `readonly = 1`."""

ALLOWED_TABLE_FUNCTIONS: Final = frozenset(
    {
        "format",
        "generate_series",
        "generateseries",
        "null",
        "numbers",
        "numbers_mt",
        "values",
        "view",
        "zeros",
        "zeros_mt",
    }
)
"""The only table functions: they make rows out of nothing or of their own text."""

FORBIDDEN_FUNCTIONS: Final = frozenset().union(
    # every table function of the engine that is not allowed above
    _words(
        """
        arrowstream azureblobstorage azureblobstoragecluster bigquery cluster
        clusterallreplicas cosn deltalake deltalakeazure deltalakeazurecluster
        deltalakecluster deltalakelocal deltalakes3 deltalakes3cluster dictionary eval
        executable file filecluster filesystem fuzzjson fuzzquery gcs generaterandom
        hdfs hdfscluster hudi hudicluster iceberg icebergazure icebergazurecluster
        icebergcluster iceberghdfs iceberghdfscluster iceberglocal
        iceberglocalcluster icebergs3 icebergs3cluster input jdbc loop merge
        mergetreeanalyzeindexes mergetreeanalyzeindexesuuid
        mergetreecodecblockcounts mergetreeindex mergetreeprojection
        mergetreetextindex mongodb mysql odbc oss paimon paimonazure
        paimonazurecluster paimoncluster paimonhdfs paimonhdfscluster paimonlocal
        paimons3 paimons3cluster postgresql primes prometheusquery
        prometheusqueryrange python redis remote remotesecure s3 s3cluster
        sqlite sqlstandardvalues timeseriesdata timeseriesmetricfamilies
        timeseriesmetrics timeseriessamples timeseriesselector timeseriestags url
        urlcluster viewexplain viewifpermitted ytsaurus
        """
    ),
    # scalar functions that read files, open connections or run models
    _words(
        """
        airedact aisimilarity aifilter aiclassify aiembed aiextract aigenerate
        aitranslate addresstoline addresstolinewithinlines addresstosymbol
        catboostevaluate demangle evalmlmethod getclienthttpheader getserversetting
        hascolumnintable joinget joingetornull showcertificate
        filesystemavailable filesystemcapacity filesystemunreserved
        """
    ),
)
"""Lower-case names that may stand nowhere as an identifier: `APPLY(file)` and `arrayMap(file, …)`
call a function without parentheses behind its name. A test compares this with the engine's list."""

FORBIDDEN_WORDS: Final = frozenset(
    {"OUTFILE", "INFILE", "ATTACH", "DETACH", "BACKUP", "RESTORE", "SYSTEM", "DICTIONARY"}
)
"""Keywords that read or write files or change the server, refused wherever they stand unquoted
(`system.` before a permitted table excepted)."""

SYSTEM_TABLES: Final = _words(
    """
    asynchronous_metrics build_options columns data_skipping_indices
    data_type_families databases disks errors events formats functions merges
    merge_tree_settings metrics mutations numbers numbers_mt one parts
    parts_columns processes replicas server_settings settings
    table_engines table_functions tables time_zones zeros zeros_mt
    """
)
"""Tables of the database `system` that may be read."""

SETTINGS_IN_STATEMENTS: Final = frozenset().union(
    # of queries
    _words(
        """
        final max_threads max_execution_time max_block_size max_memory_usage alter_update_mode
        mutations_sync lightweight_deletes_sync lightweight_delete_mode
        insert_deduplication_token
        optimize_read_in_order do_not_merge_across_partitions_select_final
        use_skip_indexes use_skip_indexes_if_final log_comment join_algorithm
        """
    ),
    # of tables
    _words(
        """
        index_granularity min_compress_block_size min_bytes_for_wide_part min_rows_for_wide_part
        ttl_only_drop_parts merge_with_ttl_timeout fsync_after_insert
        non_replicated_deduplication_window enable_block_number_column
        enable_block_offset_column min_age_to_force_merge_seconds
        min_age_to_force_merge_on_partition_only fsync_part_directory
        min_parts_to_merge_at_once merge_selector_base
        allow_nullable_key
        """
    ),
)
"""Names that a `SETTINGS` clause may set; `disk`, for one, would open a path of the caller's."""

ALTER_WORDS_OF_DDL: Final = _words(
    """
    ADD DROP MODIFY RENAME CLEAR COMMENT MATERIALIZE MOVE REPLACE FETCH
    FREEZE UNFREEZE RESET REWRITE FORGET EXPORT
    """
)
"""Words of ALTER commands that change more than rows."""

MERGE_TREE_ENGINE: Final = (
    r"(?:Replicated|Shared)?"
    r"(?:Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Coalescing)?MergeTree"
)
"""Engines that the migrator may name."""

WORDS_OF_OTHER_PLACES: Final = _words(
    "DISK VOLUME SHARD PARALLEL FREEZE UNFREEZE FETCH MOVE EXPORT"
)
"""Words of DDL that put a table's parts elsewhere, or take them from there."""

DDL_STATEMENTS: Final = _words("CREATE ALTER DROP RENAME TRUNCATE OPTIMIZE")
"""First words of statements that only the migrator may send; one kind of OPTIMIZE the writer, too."""

BEFORE_TABLE: Final = _words("FROM JOIN INTO TABLE DESCRIBE DESC EXISTS CREATE")
"""Words directly behind which a string would be a table's name, and so a path."""

BEFORE_SELECT: Final = _words("ALL DISTINCT UNION EXCEPT INTERSECT")
"""Words behind which SELECT begins another query of the same level."""

OUTPUT_FORMATS: Final = _words(
    """
    Arrow ArrowStream CSV CSVWithNames CSVWithNamesAndTypes JSON JSONCompact JSONCompactEachRow
    JSONEachRow JSONStrings Markdown Native Null Parquet Pretty PrettyCompact RowBinary
    RowBinaryWithNamesAndTypes TSV TSVWithNames TSVWithNamesAndTypes TabSeparated
    TabSeparatedWithNames TabSeparatedWithNamesAndTypes TabSeparatedRaw TSVRaw Values Vertical XML
    """
)
"""Formats of answers: those that need no schema and are no server's wire protocol."""

INPUT_FORMATS: Final = _words("Native RowBinary JSONEachRow CSV TabSeparated TSV Arrow Parquet")
"""Formats of inserted rows: those that read nothing but the request's body."""
