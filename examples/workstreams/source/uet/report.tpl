%include head.tpl
Say what was done to $MODULES, and what is left for $REVIEWER.
%include foot.tpl
