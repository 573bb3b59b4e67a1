"""The drawing of a run: no task lies on another, every arrow points down, no arrow runs through a task."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.console.graph import layout
from boss.console.graph.layout import GAP_DOWN, NODE_HEIGHT, NODE_WIDTH, CyclicGraph, draw


@st.composite
def dags(draw_from: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    keys = [f"t{number}" for number in range(draw_from(st.integers(1, 16)))]
    pairs = [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    edges = draw_from(st.lists(st.sampled_from(pairs), max_size=28)) if pairs else []
    return draw_from(st.permutations(keys)), edges


@given(dags())
def test_every_task_has_a_place_and_none_overlaps_another(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    keys, edges = graph
    drawing = draw(keys, edges)
    assert sorted(box.key for box in drawing.boxes) == sorted(keys)
    for one in drawing.boxes:
        assert one.x >= 0 and one.y >= 0
        assert one.x + NODE_WIDTH <= drawing.width and one.y + NODE_HEIGHT <= drawing.height
        for other in drawing.boxes:
            apart = abs(one.x - other.x) >= NODE_WIDTH or abs(one.y - other.y) >= NODE_HEIGHT
            assert one is other or apart


@given(dags())
def test_every_arrow_points_down_from_foot_to_head(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    keys, edges = graph
    drawing = draw(keys, edges)
    boxes = {box.key: box for box in drawing.boxes}
    assert {(line.source, line.target) for line in drawing.lines} == set(edges)
    for line in drawing.lines:
        source, target = boxes[line.source], boxes[line.target]
        assert line.points[0] == (source.centre, source.y + NODE_HEIGHT)
        assert line.points[-1] == (target.centre, target.y)
        heights = [y for _, y in line.points]
        assert heights == sorted(heights) and target.y - source.y >= NODE_HEIGHT + GAP_DOWN


@given(dags())
def test_no_arrow_runs_through_a_task(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    keys, edges = graph
    drawing = draw(keys, edges)
    for line in drawing.lines:
        for (x, y), (next_x, next_y) in zip(line.points, line.points[1:], strict=False):
            for box in drawing.boxes:
                within_rows = y < box.y + NODE_HEIGHT and next_y > box.y
                beside = max(x, next_x) <= box.x or min(x, next_x) >= box.x + NODE_WIDTH
                assert not within_rows or beside


@given(dags())
def test_the_same_graph_is_drawn_the_same_way(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    assert draw(*graph) == draw(*graph)


def test_a_chain_is_one_straight_column() -> None:
    drawing = draw(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert len({box.x for box in drawing.boxes}) == 1
    assert all(line.path.count("V") == 1 for line in drawing.lines)


def test_a_parent_stands_above_the_middle_of_its_children() -> None:
    drawing = draw(["top", "l", "m", "r"], [("top", "l"), ("top", "m"), ("top", "r")])
    boxes = {box.key: box for box in drawing.boxes}
    assert boxes["top"].x == pytest.approx(boxes["m"].x, abs=0.2)


def test_two_branches_that_need_not_cross_do_not() -> None:
    rows, _ = layout._slots(
        ["a", "b", "x", "y"], [("a", "y"), ("b", "x")], layout.layers_of(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    )
    slots = {slot.name: slot for row in rows for slot in row}
    assert layout._crossings(rows) == 1
    layout._order(rows, slots)
    assert layout._crossings(rows) == 0


def test_edges_to_strangers_are_left_out_and_circles_are_refused() -> None:
    assert draw(["a"], [("a", "ghost")]).lines == ()
    assert draw([], []).boxes == ()
    with pytest.raises(CyclicGraph):
        draw(["a", "b"], [("a", "b"), ("b", "a")])


def test_a_hundred_tasks_are_drawn_in_an_instant() -> None:
    keys = [f"t{number}" for number in range(100)]
    edges = [(f"t{i}", f"t{j}") for i in range(100) for j in (i + 1, i + 7) if j < 100]
    assert len(draw(keys, edges).boxes) == 100
