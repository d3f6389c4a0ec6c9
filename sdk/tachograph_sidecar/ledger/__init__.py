"""The GPU ledger: whose work the measured joules were."""
