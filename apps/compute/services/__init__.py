"""Writers of compute's rows.

They trust their callers: every front end checks policy before it calls.
"""
