"""`python -m nlu.training`: make the models that run inside the service, after phrases changed."""

from nlu.training.models import make

make()
