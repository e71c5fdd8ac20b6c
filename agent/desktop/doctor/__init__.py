"""The doctor: what on this computer would stop provisioning, and the mend.

``doctor.py`` runs the families and mends; ``families.py`` puts them together. Each other module is
one family of findings. A family looks, and changes nothing while it looks: no port is opened, since
that restarts boards, and nothing is written.
"""

from agent.desktop.doctor.doctor import Doctor
from agent.desktop.doctor.found import Family, Found

__all__ = ["Doctor", "Family", "Found"]
