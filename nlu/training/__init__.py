"""Makes the models from the phrases. Needs scikit-learn; nothing here runs in the service."""
