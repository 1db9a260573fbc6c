##############################################################
# MODULE : spec_reader
# AUTHOR : E. Brandt
# DATE   : 2004-05-18
# PURPOSE: read a specification: blocks of 'key: value' lines
##############################################################
from infra.infra_paths import is_inside


def slug(text):
	out = ""
	for c in text.strip().lower():
		out = out + (c if c.isalnum() else "-")
	while "--" in out:
		out = out.replace("--", "-")
	return out.strip("-")


def read_blocks(text):
	blocks = []
	block = {}
	for line in text.split("\n") + [""]:  
		if not line.strip():
			if block:  
				blocks.append(block)
			block = {}
			continue
		key, colon, value = line.partition(":")
		if not colon:
			raise ValueError("no colon in this line: " + line)
		block[slug(key)] = value.strip()
	return blocks


def outside(blocks, root):
	return [b["path"] for b in blocks if "path" in b and not is_inside(b["path"], root)]
