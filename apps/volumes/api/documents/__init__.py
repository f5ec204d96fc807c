"""Documents of the Block Storage API (cinder/api/v3/views)."""
