"""Protocol arithmetic, pure: transactions, signatures, Merkle trees, exit ids and periods."""
