"""What will happen to a person: candidates from no predictors to networks, chosen honestly, combined, explained."""
