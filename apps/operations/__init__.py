"""Views over all applications for operators: explanations, metrics, the overview, consistency."""
