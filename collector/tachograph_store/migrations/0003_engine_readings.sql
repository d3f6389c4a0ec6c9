CREATE TABLE IF NOT EXISTS engine_readings {on_cluster}
(
    project LowCardinality(String),
    name LowCardinality(String),
    instance LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    labels_hash UInt64,
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind LowCardinality(String),
    value Float64 CODEC(ZSTD(1)),
    unit LowCardinality(String),
    version UInt64,
    stored_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    expires_on Date
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMM(time)
ORDER BY (project, name, instance, labels_hash, time)
TTL expires_on
