"""The engine that runs filters and weighers: which are enabled, isolation of operators' own ones, ranking."""
