from hypothesis import given
from hypothesis import strategies as st

from scripts.sync import Plan, Remote, planned

PATHS = st.sampled_from([f"{folder}/{name}.md" for folder in "ab" for name in "xyz"])
TREES = st.dictionaries(PATHS, st.sampled_from(["h1", "h2", "h3"]))


def documents(tree: dict[str, str]) -> dict[str, Remote]:
    return {path: Remote(f"id of {path}", sha256) for path, sha256 in tree.items()}


@given(local=TREES, remote=TREES)
def test_following_the_plan_leaves_the_server_with_the_folders_content(local: dict[str, str], remote: dict[str, str]):
    plan = planned(local, documents(remote))
    server = dict(remote)
    for old, new in plan.move:
        assert new not in server
        server[new] = server.pop(old)
    for path in plan.add:
        assert path not in server
        server[path] = local[path]
    for path in plan.update:
        assert server[path] != local[path]
        server[path] = local[path]
    for path in plan.delete:
        del server[path]
    assert server == local


@given(local=TREES, remote=TREES)
def test_nothing_is_sent_whose_content_is_already_there_to_be_moved(local: dict[str, str], remote: dict[str, str]):
    plan = planned(local, documents(remote))
    assert {local[path] for path in plan.add}.isdisjoint(remote[path] for path in plan.delete)


def test_among_files_of_the_same_content_the_one_of_the_same_name_moved():
    remote = documents({"a/x.md": "h", "a/y.md": "h"})
    plan = planned({"b/y.md": "h"}, remote)
    assert plan == Plan(move=[("a/y.md", "b/y.md")], delete=["a/x.md"])


def test_a_document_whose_content_the_server_does_not_keep_is_sent_again():
    assert planned({"x.md": "h"}, {"x.md": Remote("id", None)}).update == ["x.md"]
