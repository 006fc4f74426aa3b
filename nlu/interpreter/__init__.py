"""The Rasa project: how it is trained, and what we add to its pipeline. Runs in Python 3.10."""
