from libs.service.run import serve
from services.embedding.main import build

serve("embedding", build)
