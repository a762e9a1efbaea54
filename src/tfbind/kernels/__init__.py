"""Compiled loops over tokens; each has a slow plain twin in the tests."""
