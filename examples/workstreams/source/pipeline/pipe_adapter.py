##############################################################
# MODULE : pipe_adapter
# AUTHOR : S. Iyer
# DATE   : 2012-01-16
# PURPOSE: call a tool for a record and note what comes of it
##############################################################
from errors.err_base import Broken
from errors.err_state import State
from pipeline.pipe_queue import Queue


class Adapter:

	def __init__(self, queue, call):
		if not isinstance(queue, Queue):
			raise TypeError("an adapter works on a queue")
		self.queue = queue
		self.call = call
		self.state = State()

	def step(self):
		rec = self.queue.take()
		if rec is None:
			return None
		try:
			good = self.call(rec)
		except Broken as error:
			self.state.seen[error.code] = self.state.seen.get(error.code, 0) + 1
			good = False
		self.queue.finish(rec, good)
		return rec
