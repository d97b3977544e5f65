"""billing as a process."""

from libs.service.run import serve
from services.billing.main import build

serve("billing", build)
