"""Writers of compute's rows."""
