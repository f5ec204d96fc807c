"""Drivers: the contracts a host's machinery is used through, and what stands behind them."""
