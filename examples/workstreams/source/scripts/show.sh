#!/bin/sh
# the board of the sample epic
cd "`dirname $0`/.." || exit 1
exec python3 -m pipeline.pipe_main
