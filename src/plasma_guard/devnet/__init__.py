"""The devnet is a local EVM with the project's own plasma contracts, for the demo, drills and tests."""
