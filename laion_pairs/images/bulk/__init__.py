"""Bulk download: jobs in, what became of them out; one thread for the network, a pool for the pixels."""
