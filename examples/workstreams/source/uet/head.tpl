Project $PROJECT, section $SECTION.
Write in a $VOICE voice.
