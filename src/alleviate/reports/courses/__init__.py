"""Pictures of courses: one patient, the caseload, and the validation report."""
