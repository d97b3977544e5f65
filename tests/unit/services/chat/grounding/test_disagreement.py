from datetime import UTC, datetime

import pytest

from libs.text.stems import reading_in
from services.chat.grounding.grounder import Grounder
from tests.unit.services.chat.grounding.samples import AbsentEmbedder, WordEmbedder, source

OLD, NEW = datetime(2021, 5, 2, tzinfo=UTC), datetime(2024, 3, 14, tzinfo=UTC)


async def conflict(question, said, other, embedder=None, **about):
    """Of a first source, whose words are said, and a second; `about` sets fields of the two as pairs."""
    sources = [source(1, said, title="One"), source(2, other, title="Two")]
    for field, values in about.items():
        sources = [one.model_copy(update={field: value}) for one, value in zip(sources, values, strict=True)]
    grounder = Grounder(question, sources, embedder or WordEmbedder(), 0.55)
    checked = await grounder.check(said, chosen=True)
    assert checked is not None
    assert checked.support.cited
    return await grounder.disagreement(checked)


@pytest.mark.parametrize(
    ("question", "said", "other", "differs"),
    [
        (
            "How many states have legalized cannabis?",
            "In all, 24 US states have legalized cannabis for adults.",
            "By now 21 states have legalized cannabis.",
            "number",
        ),
        (
            "Which country hosts the 2030 winter games?",
            "The 2030 winter games are hosted by Taiwan this time.",
            "This time Brazil hosts the 2030 winter games.",
            "name",
        ),
        (
            "How much is the car allowance of a sales clerk?",
            "A sales clerk has a car allowance of $300 per month.",
            "The car allowance of a sales clerk is $450 a month.",
            "number",
        ),
        (
            "How many days of leave do guards get per year?",
            "The guards get 25 days of leave per year.",
            "As a rule guards get 20 days of leave.",
            "number",
        ),
        # an old and a new version of one sentence, whatever it counts
        (
            "How many guests may a barge of the canal trust carry?",
            "A barge of the canal trust may carry up to 12 paying people.",
            "A barge of the canal trust may carry up to 16 paying people.",
            "number",
        ),
        (
            "What percentage of the seed sprouts in a cold frame?",
            "In a cold frame about 80% of the seed sprouts, says the grower.",
            "The grower saw that 35 percent of seed sprouts in the cold frame.",
            "number",
        ),
        (
            "When was the bridge of Avon built?",
            "The bridge of Avon was built in 1890.",
            "In 1905 the bridge of Avon was built.",
            "number",
        ),
        (
            "Are taxi rides reimbursed to interns?",
            "Taxi rides are reimbursed to interns.",
            "Taxi rides are not reimbursed to interns.",
            "negation",
        ),
        (
            "Tell me about receipts of a trip.",
            "Original receipts must be sent to the travel office within 30 days of the trip.",
            "Original receipts must be sent to the travel office within 60 days of the trip.",
            "number",
        ),
    ],
)
async def test_another_figure_name_year_or_the_contrary(question, said, other, differs):
    found = await conflict(question, said, other)
    assert found is not None
    assert (found.differs, found.preferred.n, found.because) == (differs, 1, "support")


@pytest.mark.parametrize(
    ("question", "said", "other"),
    [
        # the same
        ("How many days?", "Receipts must be sent within 30 days.", "Send receipts within thirty days."),
        # other things counted
        ("How many states agreed?", "In all, 24 states agreed.", "After 3 years the states agreed."),
        # the other document knows the name too, and says more
        (
            "Who won the prize for peace?",
            "Ada Lovelace won the prize for peace.",
            "Bob Dylan won the prize for peace. Before him, Ada Lovelace had won it.",
        ),
        # an item whose list isn't there
        (
            "How much of parental leave is paid?",
            "Paid parental leave lasts 12 weeks.",
            "- Absence: for paid parental leave of 3 weeks or longer.",
        ),
        # a headline
        ("Who won the prize for peace?", "Ada Lovelace won the prize for peace.", "Prize For Peace Won By Bob"),
        # nothing that was asked
        ("Why is the sky blue?", "In May the sky over Avon is blue.", "In June the sky over Leeds is blue."),
        (
            "Which countries can host the winter games this time?",
            "The winter games can be hosted by Taiwan this time.",
            "This time Brazil can host the winter games.",
        ),
        # hours of other things
        (
            "How much annual leave do I earn?",
            "You earn 160 hours of annual leave.",
            "The annual salary that you earn is for 2087 hours.",
        ),
        (
            "How many hours of annual leave do I earn?",
            "You earn 160 hours of annual leave.",
            "The annual salary that you earn is for 2087 hours.",
        ),
        # hours for other spans of time
        (
            "How many hours of leave do guards earn?",
            "The guards earn 6 hours of leave per pay period.",
            "The guards earn 156 hours of leave per year.",
        ),
        # not what was to be counted
        (
            "How many letters does the archive keep for each team?",
            "The archive keeps 900 letters for each team, and for 60 days.",
            "The archive keeps letters of each team for 90 days.",
        ),
        # both can be true
        (
            "How many rooms does the annexe of the museum have?",
            "The annexe of the museum has at least 12 rooms.",
            "The annexe of the museum has 16 rooms.",
        ),
        (
            "How many days does a review of the plans take?",
            "A review of the plans takes 5 days.",
            "A review of the plans takes 3 to 7 days.",
        ),
        # of other years
        (
            "How many beds did the Avon hospital have?",
            "In 2015 the Avon hospital had 40 beds.",
            "In 2019 the Avon hospital had 55 beds.",
        ),
        # a year that names something
        (
            "When did the county join the bridge scheme?",
            "The county joined the bridge scheme in 1997.",
            "The county once joined the 1992 bridge scheme.",
        ),
        # another of a series
        (
            "Where was the second congress of beekeepers held?",
            "The second congress of beekeepers was held in Leeds.",
            "They say that the first congress of beekeepers was held in Avon.",
        ),
        # not the one that was asked about
        (
            "When did the rose garden of Thornbury open?",
            "The rose garden of the abbey did open to guests in 1890.",
            "The rose garden of the mill did open to guests in 1905.",
        ),
        # a list of some
        (
            "Which city hosts the yearly fair of old looms?",
            "This time Leeds hosts the yearly fair of old looms.",
            "Among others Avon, Bath, and York host the yearly fair of old looms.",
        ),
        # a thing, whose kind no name tells
        (
            "Which drink is served at the yearly fair of old looms?",
            "At the yearly fair of old looms the drink that is served is tea from Leeds.",
            "The drink served at the yearly fair of old looms is cider from Avon.",
        ),
        # little in common
        ("Who sells old looms?", "Once a year Bob sells old looms.", "In the town Ada sells old looms."),
        # two of a series, in the same words
        (
            "Tell me about the congress of beekeepers in Avon.",
            "The 4th congress of beekeepers was held in Avon.",
            "The 5th congress of beekeepers was held in Avon.",
        ),
        # the name that was asked about, in full
        (
            "Where was Ada of the loom council chosen as speaker?",
            "In Leeds Ada of the loom council was chosen as speaker.",
            "This time Ada Lovelace of the loom council was chosen as speaker.",
        ),
        # a capital that opens a sentence
        (
            "Who was chosen as head of the loom council?",
            "This time Bob was chosen as head of the loom council.",
            "Yesterday somebody was chosen as head of the loom council.",
        ),
    ],
)
async def test_no_disagreement(question, said, other):
    assert await conflict(question, said, other) is None


@pytest.mark.parametrize(
    ("said", "other", "differs"),
    [
        (
            "Mitarbeiter der Werft haben zwanzig Tage Urlaub im Jahr.",
            "Mitarbeiter der Werft haben im Jahr fünfundzwanzig Tage Urlaub.",
            "number",
        ),
        (
            "Mitarbeiter der Werft haben zwanzig Tage Urlaub im Jahr.",
            "Mitarbeiter der Werft haben 20 Tage Urlaub im Jahr.",
            None,
        ),
        (
            "Mitarbeiter der Werft haben mindestens zwanzig Tage Urlaub im Jahr.",
            "Mitarbeiter der Werft haben 25 Tage Urlaub im Jahr.",
            None,
        ),
        (
            "Mitglieder der Werft zahlen zehn Euro Beitrag im Monat.",
            "Mitglieder der Werft zahlen 120 Euro Beitrag im Jahr.",
            None,
        ),
    ],
)
async def test_figures_of_german_documents(said, other, differs):
    with reading_in("de"):
        found = await conflict("Was gilt bei der Werft?", said, other)
    assert (found and found.differs) == differs


QUESTION = "Within how many days must receipts be sent?"
SAID = "Receipts must be sent within 30 days of the trip."
OTHER = "Receipts must be sent within 60 days of the trip."


@pytest.mark.parametrize(
    ("about", "preferred", "because"),
    [
        ({"date": (OLD, NEW)}, 2, "date"),
        ({"date": (NEW, OLD)}, 1, "date"),
        ({"date": (OLD, OLD.replace(hour=5))}, 1, "support"),
        ({"date": (None, NEW)}, 1, "support"),
        ({"date": (OLD, NEW), "authority": (2.0, 1.0)}, 1, "authority"),
        ({"date": (OLD, NEW), "authority": (2.0, 2.0)}, 2, "date"),
        ({"date": (NEW, OLD), "authority": (None, 9.0)}, 1, "date"),
    ],
)
async def test_authority_then_age_then_what_was_said_is_preferred(about, preferred, because):
    found = await conflict(QUESTION, SAID, OTHER, **about)
    assert found is not None
    assert (found.preferred.n, found.because) == (preferred, because)
    assert found.values == (("30", "60") if preferred == 1 else ("60", "30"))


async def test_a_document_doesnt_disagree_with_itself():
    one = source(1, SAID)
    grounder = Grounder(QUESTION, [one, source(2, OTHER).model_copy(update={"document_id": one.document_id})],
                        WordEmbedder(), 0.55)  # fmt: skip
    checked = await grounder.check(SAID, chosen=True)
    assert checked is not None
    assert await grounder.disagreement(checked) is None


async def test_without_embeddings_nothing_is_claimed():
    assert await conflict(QUESTION, SAID, OTHER, AbsentEmbedder()) is None
