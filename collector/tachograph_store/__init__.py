"""ClickHouse, embedded or a server: settings, client, migrations, rows, writer, named queries."""
