"""What operators see of all applications together: explanations, metrics, the overview, consistency."""
