import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.answer_cache.asking import asking_of
from services.chat.answer_cache.sameness import difference

SAME = [
    ("Who designed the Salamanca?", "By whom was the Salamanca designed?"),
    ("When did the store in Oslo open?", "In what year did the store in Oslo open?"),
    ("How many days of leave do interns get?", "What number of days of leave do interns get?"),
    ("What is the cost of a parking permit?", "How much does a parking permit cost?"),
    ("Why was the Lyon office closed?", "For what reason was the Lyon office closed?"),
    ("Where is the archive?", "In what place is the archive?"),
    ("Which virus did Reed discover?", "What virus was discovered by Reed?"),
    ("Name one of Norway's largest ports.", "What is one of the largest ports in Norway?"),
    ("What do you call a signed lease?", "What is a signed lease called?"),
    ("Tell me when the canteen opens.", "When does the canteen open?"),
    ("Did Acme and Globex merge?", "Did Globex and Acme merge?"),
    ("Which costs aren't reimbursed?", "What costs are not reimbursed?"),
    ("Are interns required to sign?", "Must interns sign?"),
    ("When did Normandy defeat Sicily?", "When was Sicily defeated by Normandy?"),
    ("Did New York and Los Angeles merge?", "Did Los Angeles and New York merge?"),
    ("When did the firm close the plant?", "When was the plant closed by the firm?"),
    ("When did alice report bob?", "When was bob reported by alice?"),
    ("What are the duties of a trustee?", "What are a trustee's duties?"),
    ("When does the lease in Oslo end?", "When does the lease end in Oslo?"),
    ("What is called a new lease?", "What is a new lease called?"),
    ("What closed on 4 March 2024?", "What closed on March 4, 2024?"),
]

DIFFERENT = [
    ("What is the largest port in Norway?", "What is the oldest port in Norway?"),
    ("Who sued Acme?", "Who did Acme sue?"),
    ("Who hit Acme?", "Who was hit?"),
    ("Who bought the mill?", "From whom was the mill bought?"),
    ("Who bought the mill?", "Who was the mill bought from?"),
    ("When did Normandy defeat Sicily?", "When did Sicily defeat Normandy?"),
    ("When was Sicily defeated by Normandy?", "When was Normandy defeated by Sicily?"),
    ("Did Acme buy Globex?", "Did Globex buy Acme?"),
    ("How long is the train from Oslo to Bergen?", "How long is the train from Bergen to Oslo?"),
    ("What is due before the trip?", "What is due after the trip?"),
    ("What must managers approve?", "What may managers approve?"),
    ("Can I book a room?", "Must I book a room?"),
    ("Can I book a room?", "Can't I book a room?"),
    ("Which costs are reimbursed?", "Which costs are not reimbursed?"),
    ("What did the Chinese like?", "What did the Chinese dislike?"),
    ("How many days of leave are there?", "How many weeks of leave are there?"),
    ("How many people did it kill from 2000 to 2007?", "How many people did it kill from 2010 to 2017?"),
    ("What changed in version 1.2.3?", "What changed in version 1.2.4?"),
    ("What does error E-1001 mean?", "What does error E-1010 mean?"),
    ("When did the Jin dynasty begin?", "When did the Jip dynasty begin?"),
    ("When did the dynasty begin?", "When did the dynasty end?"),
    ("When was the store opened?", "Where was the store opened?"),
    ("How often is the report sent?", "How is the report sent?"),
    ("Who is the director?", "Who was the director?"),
    ("Who is the employer?", "Who is the employee?"),
    ("Who approves leave?", "Who gets approved leave?"),
    ("What happens to unused leave?", "What is unused leave?"),
    ("Which offices are open every day?", "Which offices are open most days?"),
    ("Who may enter with a badge?", "Who may enter without a badge?"),
    ("Who reports to Kim?", "Who does Kim report to?"),
    ("What else is covered?", "What is covered?"),
    ("How do I sign in?", "How do I sign out?"),
    ("How do I turn alerts on?", "How do I turn alerts off?"),
    ("What is his title?", "What is her title?"),
    ("🙂", "🙂!"),
    ("How do I do it?", "How can they be?"),
    ("Who signed it and when?", "Who signed it?"),
    ("When was Robert hired?", "When was Roberta hired?"),
    ("When did Daniel leave?", "When did Daniela leave?"),
    ("Where does George live?", "Where does Georgia live?"),
    ("Where is the Marine office?", "Where is the Marina office?"),
    ("Did Alice report Bob?", "Did Bob report Alice?"),
    ("Did alice report bob?", "Did bob report alice?"),
    ("Did Alice report to Bob?", "Did Bob report to Alice?"),
    ("Is Alice the manager of Bob?", "Is Bob the manager of Alice?"),
    ("Is Alice Bob's manager?", "Is Bob Alice's manager?"),
    ("Did the client sue the vendor?", "Was the client sued by the vendor?"),
    ("Was the client sued by the vendor?", "Was the vendor sued by the client?"),
    ("When did alice report bob?", "When was alice reported by bob?"),
    ("Can a manager approve an employee's expense?", "Can an employee approve a manager's expense?"),
    ("What does the buyer owe the seller?", "What does the seller owe the buyer?"),
    ("What percent of men are managers?", "What percent of managers are men?"),
    ("How many employees does each manager have?", "How many managers does each employee have?"),
    ("How do I add a user to a group?", "How do I add a group to a user?"),
    ("How do you convert PDF to Word?", "How do you convert Word to PDF?"),
    ("Why did prices rise after wages fell?", "Why did wages fall after prices rose?"),
    ("Did Acme or Globex win?", "Did Acme and Globex win?"),
    ("Who is my boss?", "Who is my manager's boss?"),
    ("Who is the boss of Alice?", "Who is the manager of Bob?"),
    ("Who is Kim's husband?", "Who is Kim's wife?"),
    ("What is the salary?", "What is Will's salary?"),
    ("When may the meeting be?", "When may May's meeting be?"),
    ("What happened on 3/4/2024?", "What happened on 4/3/2024?"),
    ("What happened on 2024-03-04?", "What happened on 2024-04-03?"),
    ("Is it open at 9 am?", "Is it open at 9 pm?"),
    ("Is the ratio 3:1?", "Is the ratio 1:3?"),
    ("Is the budget 2 million?", "Is the budget 2 thousand?"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_rewordings_ask_for_the_same(one, other):
    assert difference(asking_of(one), asking_of(other)) is None
    assert difference(asking_of(other), asking_of(one)) is None


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_near_questions_with_other_answers_differ(one, other):
    assert difference(asking_of(one), asking_of(other)) is not None
    assert difference(asking_of(other), asking_of(one)) is not None


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_itself_and_the_order_of_two_doesnt_matter(one, other):
    first, second = asking_of(one), asking_of(other)
    assert (difference(first, first) is None) is bool(first.content)
    assert (difference(first, second) is None) == (difference(second, first) is None)
