import pytest

from services.generation.engines.lexical import QuestionTerms, content_terms


def test_words_are_stemmed_and_small_words_left_out():
    assert content_terms("How do the requests get requested?") == {"request"}
    assert content_terms("What’s the team's policy?") == {"team", "polici"}


def test_codes_count_whole_and_in_parts():
    assert {"err-4012", "err", "4012"} <= content_terms("See ERR-4012.")
    assert "v1.2.3" in content_terms("in v1.2.3")
    assert content_terms("東京の天気") == set("東京の天気")


def test_coverage_is_the_weighted_share_of_the_question():
    sentences = [content_terms(text) for text in ("leave policy", "sick leave policy", "leave form")]
    question = QuestionTerms("sick leave", sentences)
    assert question.coverage(sentences[1]) == pytest.approx(1)
    assert 0 < question.coverage(sentences[0]) < 0.5  # "leave" is everywhere, so it tells little
    assert question.coverage(sentences[0], context={"sick"}) == pytest.approx((question.coverage(sentences[0]) + 1) / 2)


def test_numbers_weigh_double():
    question = QuestionTerms("form 7600", [{"form"}, {"7600"}])
    assert question.coverage({"7600"}) == pytest.approx(2 / 3)


def test_a_question_without_content_is_covered_by_nothing():
    assert QuestionTerms("what is it?", [{"cat"}]).coverage({"cat"}) == 0
