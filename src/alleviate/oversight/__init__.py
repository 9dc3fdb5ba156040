"""Which package is live and who signed it; drift, calibration, fairness and signals of harm."""
