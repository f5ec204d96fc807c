"""Installing and running: what the make targets do. It speaks to the cloud from outside and imports none of it."""
