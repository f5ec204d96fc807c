"""Writers of limits, usages and reservations.

They trust their callers: every front end checks policy before it calls.
"""
