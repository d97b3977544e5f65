from libs.service.run import serve
from services.generation.main import build

serve("generation", build)
