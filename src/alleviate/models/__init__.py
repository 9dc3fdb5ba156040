"""Tables in, forecasts out: encoding, effects, prognosis, courses, uncertainty, explanation. No patients."""
