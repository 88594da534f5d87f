"""Did the trailblazers work, and could we have told?"""

__version__ = "0.1.0"
