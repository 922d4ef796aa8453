"""What system tests stand on: a stack of their own, and real processes."""

from system.checker import check, wait_at_rest
from system.client import node
from system.journal import Load
from system.program import Program
from system.seen import Differs
from system.server import Server
from system.signing import Account
from system.stack import Stack
from system.subscriber import Subscriber
from system.topic import produce, read_topic
from system.wait import wait_until

__all__ = ["Account", "Differs", "Load", "Program", "Server", "Stack",
           "Subscriber", "check", "node", "produce", "read_topic", "wait_at_rest",
           "wait_until"]
