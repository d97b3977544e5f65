from libs.service.run import serve
from services.knowledge.main import build

serve("knowledge", build)
