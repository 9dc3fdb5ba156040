"""What will happen to a person: candidates, chosen honestly, combined and explained."""
