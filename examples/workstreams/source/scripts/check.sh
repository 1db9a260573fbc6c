#!/bin/sh
# run every test, then look for tabs
cd "`dirname $0`/.." || exit 1
python3 -m unittest discover -s tests || exit 1
for file in gui/gui_text.py gui/gui_table.py pm/pm_board.py errors/err_state.py
do
	if grep -q '	' $file
	then
		echo "tabs: $file"
	fi
done
