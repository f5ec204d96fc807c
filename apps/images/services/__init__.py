"""Writers of images, their members, tags and data, and metadata definitions.

They trust their callers: every front end checks policy before it calls.
"""
