"""Tables in, forecasts out: encoding, effects, prognosis, courses, uncertainty, explanation. Never sees a patient."""
