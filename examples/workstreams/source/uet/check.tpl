%include head.tpl
Look at $MODULES and list at most $LIMIT problems.
%include foot.tpl
