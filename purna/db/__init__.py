"""Service database: engine, sessions and column types. Owns no table."""
