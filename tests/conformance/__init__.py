"""`make conformance`: Tempest, OpenStack's own test suite, unmodified, against a private cloud of simulated hosts."""
