"""Fitting what a profile cannot know to what was measured, with the uncertainty of it."""
