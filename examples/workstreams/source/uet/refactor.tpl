%include head.tpl
Move every module of $SECTION to package $PACKAGE.
Keep what it does; indent with $STYLE.
%include foot.tpl
