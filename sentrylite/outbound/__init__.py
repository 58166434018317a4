"""Requests that this server sends to addresses that users chose. Knows no app and no setting."""

from .addresses import MAX_LENGTH, BadAddress, Refused, Target, read_url
from .sending import Answer, Failed, post

__all__ = ["MAX_LENGTH", "Answer", "BadAddress", "Failed", "Refused", "Target", "post", "read_url"]
