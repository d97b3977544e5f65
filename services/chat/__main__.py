"""chat as a process."""

from libs.service.run import serve
from services.chat.main import build

serve("chat", build)
