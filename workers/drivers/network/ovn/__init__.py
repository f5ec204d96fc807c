"""The OVN driver: specs become rows of the northbound database, hosts program themselves from it."""
