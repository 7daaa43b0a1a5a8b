"""What happened when: spans, breakdowns, the critical path, and their exchange formats."""
