"""Private servers: a PostgreSQL and a Redis of the cloud's own, and libvirt's daemons where nobody else runs them."""
