"""The serial console of Mooring: settings onto any sketch, in lines of text.

``lines`` is the form of a line, ``host`` what the agent says, ``board`` what a board answers.
The protocol is docs/console.md; docs/examples/mooring_console is a sketch that speaks it.
"""
