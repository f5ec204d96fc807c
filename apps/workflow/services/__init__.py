"""Writers of runs and steps.

They trust their callers: every front end checks policy before it calls.
"""
