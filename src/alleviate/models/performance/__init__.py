"""How good predictions are: discrimination, calibration, benefit, by group and elsewhere, with intervals."""
