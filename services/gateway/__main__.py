from libs.service.run import serve
from services.gateway.main import build

serve("gateway", build)
