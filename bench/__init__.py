"""Measuring: how fast servers boot, what one boot costs, how long lists take, how much memory a cloud holds."""
