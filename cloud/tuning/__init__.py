"""Everything that bends upstream for speed, piece by piece.

Each module says what it replaces upstream, what that gains and how to remove it. A canary test keeps a digest of every
upstream function named after "Replaces:", and fails when a new version changes one: read the new code, adapt the
module or remove it, then write the new digest (tests/unit/cloud/tuning/test_canaries.py).

Three pieces have to be where applications and workers can import them, and follow the same rule:
``apps/common/sql`` (planned statements), ``apps/common/api/parsing.py`` (kept serializers) and
``workers/pipelines/links.py`` (links of a chain).
"""
