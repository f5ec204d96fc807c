"""The story of one server, for an operator at three in the morning."""
