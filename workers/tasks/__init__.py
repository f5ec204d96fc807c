"""Steps: execute and revert side by side, one file per step."""
