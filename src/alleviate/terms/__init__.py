"""The words of the house: times, treatments, outcomes, studies, estimates, and the one exception tree."""
