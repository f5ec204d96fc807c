"""Private servers: the cloud's PostgreSQL and Redis, and libvirt's daemons if nothing else runs them."""
