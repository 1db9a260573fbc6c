##############################################################
# MODULE : pipe_main
# AUTHOR : S. Iyer
# DATE   : 2012-03-12
# PURPOSE: take an epic through the pipeline and show the board
##############################################################
from errors.err_engine import look, report
from errors.plugins import plug_text
from meta.meta_info import banner
from pipeline.pipe_adapter import Adapter
from pipeline.pipe_audit import Audit
from pipeline.pipe_breaker import Breaker
from pipeline.pipe_queue import Queue
from pm.pm_board import Board
from pm.pm_epic import Epic


def run(epic, call):
	queue = Queue()
	audit = Audit()
	board = Board(epic.plan)
	for wave in epic.plan.waves():
		for name in wave:
			after = epic.plan.after[name]
			queue.put(name, after[-1] if after else "")
	breaker = Breaker(Adapter(queue, call))
	rec = breaker.step()
	while rec is not None:
		audit.note(rec["id"], rec["state"], epic.hours[rec["id"]])
		board.move(rec["id"], rec["state"])
		rec = breaker.step()
	return board, audit


def main():
	epic = Epic("A house")
	epic.add("Walls", 8)
	epic.add("Roof", 5, ["Walls"])
	epic.add("Door", 2, ["Walls"])
	board, audit = run(epic, lambda rec: rec["id"] != "door")
	found, state = look([plug_text], "board", board.show())
	return "\n".join([banner(), epic.headline(), board.show(), report(found), str(audit.whole())])


if __name__ == "__main__":
	print(main())
