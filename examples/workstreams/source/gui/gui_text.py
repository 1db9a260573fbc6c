##############################################################
# MODULE : gui_text
# AUTHOR : M. Sato
# DATE   : 1999-03-15
# PURPOSE: text that fits into a column of a given width
##############################################################
def pad(text, width):
	text = str(text)
	return text + " " * (width - len(text))
  

def clip(text, width):
	text = str(text)
	if len(text) <= width:
		return text
	return text[:width - 1] + "~"


def rule(width, mark="-"):
	return mark * width


def boxed(text):
	line = "+" + rule(len(text) + 2) + "+"
	return "\n".join([line, "| " + text + " |", line])
