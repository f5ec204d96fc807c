"""Everything that bends upstream for speed. Each module says what it replaces, what it gains and how to remove it."""
