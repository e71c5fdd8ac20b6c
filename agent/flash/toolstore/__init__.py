"""The store of upload tools: the vendor's signed list, archives unpacked safely, what is installed.

Here: programs that a page's upload needs and that are run as they are (``bossac``, ``avrdude``).
Not here: finding the programs that Mooring's own flash methods use (:mod:`agent.flash.tools`), and
what a page may ask (:mod:`agent.compat`). Start with ``install``.
"""
