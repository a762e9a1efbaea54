"""How far does a model of transcription-factor binding travel, and when must it be retrained?"""

__version__ = "0.1.0"
