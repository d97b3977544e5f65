from services.knowledge.found import Wanted


def test_an_embedding_model_reads_nothing_of_what_is_unsaid():
    wanted = Wanted("Is ann@example.com or joann@example.com meant?", unsaid=("ann@example.com", "joann@example.com"))
    assert wanted.to_embed(wanted.query) == "Is … or … meant?"
    assert wanted.to_embed("ann@example.com") == "…"
    assert Wanted("Is it?").to_embed("Is it?") == "Is it?"
