"""Which questionnaire to ask next: learned from records, told of a person, never a diagnosis."""
