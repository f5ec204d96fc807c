"""The cloud in numbers, for Prometheus: counted from the rows, so that any process tells the same; and requests."""
