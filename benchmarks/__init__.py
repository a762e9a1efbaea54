"""Throughput of tfbind beside its peers: ``make bench``."""
