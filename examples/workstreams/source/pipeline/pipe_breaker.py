##############################################################
# MODULE : pipe_breaker
# AUTHOR : S. Iyer
# DATE   : 2012-02-06
# PURPOSE: stop calling a tool that keeps failing
##############################################################
from errors.err_base import Broken
from pipeline.pipe_adapter import Adapter

FATAL = ("E1901", "E2202")


class Breaker:

    def __init__(self, adapter, limit=3):
        if not isinstance(adapter, Adapter):
            raise TypeError("a breaker guards an adapter")
        self.adapter = adapter
        self.limit = limit
        self.bad = 0

    def step(self):
        if self.bad >= self.limit:
            raise Broken("E2301", "the breaker is open")
        rec = self.adapter.step()
        if rec is not None:
            self.bad = self.bad + 1 if rec["state"] == "bad" else 0
        if any(code in self.adapter.state.seen for code in FATAL):
            self.bad = self.limit
        return rec
