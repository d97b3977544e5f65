"""`footnote search`: the passages that a query finds."""

from rich.console import Console

from scripts.api import Api

EXCERPT_CHARS = 200


async def search(api: Api, query: str, top_k: int, strategy: str, console: Console) -> None:
    answer = await api.call("POST", "/search", json={"query": query, "top_k": top_k, "strategy": strategy})
    if not answer["results"]:
        console.print("No passage fits.")
    for rank, result in enumerate(answer["results"], 1):
        place = " › ".join(result["location"]["heading_path"])
        name = result["external_id"] or result["title"]
        console.print(f"{rank:2}. {name}  {place}  ({result['score']:.4f})", markup=False, highlight=False)
        excerpt = " ".join(result["content"].split())
        console.print(f"    {excerpt[:EXCERPT_CHARS]}", style="dim", markup=False, highlight=False)
    if answer["degraded"]:
        console.print(f"degraded: {', '.join(answer['degraded'])}", style="yellow")
