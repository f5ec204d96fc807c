"""The beat table, the sweeper and the reconcilers."""
