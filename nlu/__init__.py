"""Understanding what people type: from letters to what the text may mean.

Nothing here knows of conversations. The bot reads with it, and so do the components of the Rasa
project, in another Python (3.10): modules that those need import the standard library only.
"""
