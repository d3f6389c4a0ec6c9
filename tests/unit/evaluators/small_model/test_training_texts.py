"""What heads are trained on: claims are labelled as they were made, leaks are found."""

from training.claims import ClaimWriter
from training.injection_prompts import PromptWriter
from training.leaks import LeakCheck
from training.toxic_sentences import SentenceWriter

PASSAGES = [
    {"text": "The bridge was opened in 1932 in Sydney. It is often called the coat hanger there."},
    {"text": "Bread is baked from flour and water. Most bakers in Paris begin at three o'clock."},
]


def test_claims_alternate_and_equal_seeds_write_equal_examples() -> None:
    first, second = ([ClaimWriter(PASSAGES, seed=3).example(4) for _ in range(5)] for _ in range(2))
    assert first == second
    for example in first:
        assert [label for _, label in example.claims] == [0, 1, 0, 1][: len(example.claims)]


def test_a_spoiled_number_does_not_stand_in_the_context() -> None:
    writer = ClaimWriter(PASSAGES, seed=1)
    sentence = "The bridge was opened in 1932 in Sydney."
    spoiled = {writer.corrupted(sentence, sentence) for _ in range(60)} - {None}
    assert len(spoiled) > 5
    assert sentence not in spoiled


def test_sentences_and_prompts_have_both_labels() -> None:
    made = SentenceWriter(1, ["Some prose stands here."] * 2).write(200)
    assert {label for _, label in made} == {0, 1}
    assert not any("{" in text for text, _ in made)
    writer = PromptWriter(1, ["Some prose stands here."] * 3, ["Name three rivers."])
    texts = [writer.attack() for _ in range(50)] + [writer.ordinary() for _ in range(50)]
    texts += [writer.excerpt(planted=True) for _ in range(50)]
    assert all(texts) and not any("{" in text for text in texts)


def test_leaks_are_found_whole_in_part_and_reordered() -> None:
    check = LeakCheck(["I really cannot stand those noisy people next door, you know."])
    assert check.leaks("i really CANNOT stand those noisy people next door you know")
    assert check.leaks(
        "He said: I really cannot stand those noisy people next door, you know. Yes."
    )
    assert check.leaks("You know, next door people those noisy really I cannot stand.")
    assert not check.leaks("I really like the quiet people who live on the next street.")
