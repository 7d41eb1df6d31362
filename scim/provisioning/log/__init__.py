"""What happened and why: entries, failed events, and the reports over both."""
