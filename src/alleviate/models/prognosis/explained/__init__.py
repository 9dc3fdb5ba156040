"""Why a prognosis says what it says: over all people, feature by feature, and for one person."""
