"""The triage report of scored rows."""
