"""The report: one readable text for a bug report, without what is nobody's business.

Start at :mod:`.report`; :mod:`.masks` takes out, :mod:`.personal` knows what.
"""
