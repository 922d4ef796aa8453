"""Cuts of the network (being written)."""


class Net:
    def __init__(self, stack):
        self.stack = stack

    def clear(self):
        pass
