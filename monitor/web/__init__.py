"""What the daemon knows of itself -> /metrics, /healthz and /readyz over HTTP; the only server, and the only prometheus."""

from monitor.web.listener import Listener
from monitor.web.metrics import Meters
from monitor.web.readiness import Vitals
from monitor.web.routes import Handlers

__all__ = ["Handlers", "Listener", "Meters", "Vitals"]
