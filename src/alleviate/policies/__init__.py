"""From forecasts to a choice: rules, exact trees, and their honest value."""
