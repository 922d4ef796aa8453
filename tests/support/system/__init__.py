"""What system tests stand on: a stack of their own, and real processes."""

from system.client import node
from system.program import Program
from system.server import Server
from system.stack import Stack
from system.wait import wait_until

__all__ = ["Program", "Server", "Stack", "node", "wait_until"]
