"""auth as a process."""

from libs.service.run import serve
from services.auth.main import build

serve("auth", build)
